"""The ledger: a gap-free hash chain over everything that must be written down."""
