"""Who may do what, and one ephemeral run of it."""
