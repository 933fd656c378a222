"""Further places that keep the digest of a tree head, outside our reach."""
