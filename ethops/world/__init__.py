"""A read-only picture over all rooms, for the pages and the API."""
