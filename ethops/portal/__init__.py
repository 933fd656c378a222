"""The door for people without a place at the desk: file, follow, answer, approve."""
