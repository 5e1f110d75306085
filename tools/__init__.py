"""What makes files of this repository from elsewhere; nothing of it is needed at run time."""
