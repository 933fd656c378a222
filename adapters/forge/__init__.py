"""The forge contract: a change of files is proposed, approved by a person, and merged."""
