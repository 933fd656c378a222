"""The record: durable work, and what happened, provably."""
