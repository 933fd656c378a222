"""Refuse a start while any of Django's checks, the declared files' among them, finds a fault."""

from django.core.checks import ERROR, WARNING, run_checks

from ethops.stack.errors import PreparationError


def refuse_faults() -> int:
    """Return how many cautions there are.

    Raises:
        PreparationError: there are faults; it has every one, with its place and its mend.
    """
    found = [one for one in run_checks() if one.is_serious(WARNING) and not one.is_silenced()]
    faults = [one for one in found if one.is_serious(ERROR)]
    if faults:
        told = [f"{one.msg}" + (f"\n  {one.hint}" if one.hint else "") for one in faults]
        raise PreparationError(
            "\n".join(told), hint="Mend what is named above, then try `manage.py check`."
        )
    return len(found)
