"""The door for people and programs: Ollama's API and OpenAI's, in front of the queue."""
