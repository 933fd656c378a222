"""Migrations of the guardrails."""
