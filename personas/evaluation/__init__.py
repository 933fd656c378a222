"""Incidents with traps, asked of any engine, and how its answers are judged."""
