"""Guardrails: rules as data that every proposal is held against, scopes of commands, approvals."""
