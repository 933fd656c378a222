"""Tests: unit, contract, integration, acceptance, architecture, bench."""
