"""`python -m lambent.cli`: the same as the console script."""

from lambent.cli import main

main()
