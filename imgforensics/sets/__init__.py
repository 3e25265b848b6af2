"""What a set of archives says that no single one does: against each other, an earlier run, and a lock file."""
