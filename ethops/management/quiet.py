"""The commands of every day: a fault of a declared file refuses them, a caution is not repeated."""

from typing import Any

from django.core.checks import run_checks
from django.core.management.base import BaseCommand


class QuietCommand(BaseCommand):
    """Leaves cautions to `check`, `site load` and `up`, which are asked for them."""

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Refuse what Django refuses, in its words; say nothing else."""
        found = run_checks(tags=kwargs.get("tags"))
        if any(one.is_serious() and not one.is_silenced() for one in found):
            super().check(*args, **kwargs)
