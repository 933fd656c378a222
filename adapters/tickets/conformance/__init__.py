"""What every adapter of the tickets contract does, as numbered cases."""
