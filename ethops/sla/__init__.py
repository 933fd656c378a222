"""What was promised about time: calendars, targets, and a stopwatch per promise and ticket."""
