"""Letters that come in: taken in whole before they are acknowledged, and read as hostile."""
