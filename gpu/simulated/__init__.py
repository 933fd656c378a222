"""An Ollama without a GPU: its API, its scheduler's rules and a card's times, at any speed."""
