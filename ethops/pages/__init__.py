"""Own pages inside the admin site: Now, a ticket, a run, an action, the ledger, the stop."""
