"""What the commands that only tell something say, as text; the command line prints it."""
