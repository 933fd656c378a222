"""What earlier runs have shown, as rows with their evidence in the ledger."""
