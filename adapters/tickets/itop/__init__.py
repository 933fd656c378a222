"""iTop behind the tickets contract."""
