"""The demonstration: a small site that breaks on purpose, and the proof that it was mended."""
