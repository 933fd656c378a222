"""The API: the only room that knows the REST framework."""
