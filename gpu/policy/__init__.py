"""Which job the card works on next: pure rules over what waits and what is resident."""
