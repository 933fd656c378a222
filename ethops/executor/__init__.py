"""The only place that acts: it does what the gate authorised and the ledger has recorded."""
