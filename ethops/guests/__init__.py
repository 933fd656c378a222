"""Who comes without a place at the desk: links to a ticket, and how often somebody knocks."""
