"""The one worker of a card: it orders, loads, streams, gives way, and keeps its lease."""
