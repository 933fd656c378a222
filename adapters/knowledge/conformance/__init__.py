"""The conformance kit of the knowledge contract."""
