"""The inference contract: a typed question in, one chosen candidate with reasons out."""
