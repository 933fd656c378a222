"""Refuse a start while any of Django's checks, the declared files' among them, finds a fault."""

from django.core.checks import ERROR, run_checks

from ethops.stack.errors import PreparationError


def refuse_faults() -> None:
    """PreparationError with every fault, each with its place and its mend."""
    faults = [found for found in run_checks() if found.is_serious(ERROR)]
    if faults:
        told = [f"{found.msg}" + (f"\n  {found.hint}" if found.hint else "") for found in faults]
        raise PreparationError(
            "\n".join(told), hint="Mend what is named above, then try `manage.py check`."
        )
