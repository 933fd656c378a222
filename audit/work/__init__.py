"""Durable work: one table, one claim, one relay."""
