"""The tickets contract: incidents and changes, their states and their worklog."""
