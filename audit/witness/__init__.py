"""Witnesses: the one that we are for other logs, and those that ours has."""
