"""Recorded days of work, played again through the queue: traces, a virtual card, event logs."""
