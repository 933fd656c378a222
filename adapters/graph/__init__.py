"""The graph contract: what stands on what, and what follows from it."""
