"""The contracts through which ethops meets the world, each with an embedded default."""
