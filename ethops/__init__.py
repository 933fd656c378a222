"""The house: composition root, the service desk and every door."""
