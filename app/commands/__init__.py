"""What takes a command more than a few lines: what it finds or changes, as text; `verbs` prints it."""
