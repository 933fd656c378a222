"""Rows of the iTop adapter."""
