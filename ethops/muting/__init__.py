"""Silences that maintenance windows ask of Alertmanager, each made by the executor."""
