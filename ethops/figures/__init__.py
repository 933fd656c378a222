"""Figures of ITIL, each from what was done: nothing that is counted here is kept anywhere."""
