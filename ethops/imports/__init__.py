"""A site's own playbooks: fetched at one commit, read as hostile, and laid down unapproved."""
