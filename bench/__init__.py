"""`make bench`: what the platform costs, beside the floor measured in the same run."""
