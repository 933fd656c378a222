"""The compliance contract: what speaks for each safeguard, how strongly, and for how long."""
