"""Telemetry: what observers on hosts saw of ethops's own keys and accounts."""
