"""Storms."""


def watch() -> None:
    """Nothing yet."""
