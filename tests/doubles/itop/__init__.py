"""An iTop that leaks as the real one does."""
