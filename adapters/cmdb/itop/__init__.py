"""What an iTop says there is, copied into rows that nothing acts on."""
