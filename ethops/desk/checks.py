"""System checks: the environment does not contradict what the site declares."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from adapters import conf, site
from ethops import env


def check_operators(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse as desk.E001 a variable of before that says otherwise than the site, else warn."""
    said = env.said_single()
    if said is None:
        return []
    path = conf.site_path()
    found = site.read(path).value if path else None
    declared = found.operators if found else "several"
    mend = f"Unset {env.SINGLE}; `operators: single` or `several` in the site file says it."
    if said is not (declared == "single"):
        return [
            Error(
                f"{env.SINGLE} is {int(said)}, and the site declares `operators: {declared}`.",
                hint=mend,
                id="desk.E001",
            )
        ]
    return [Caution(f"{env.SINGLE} says nothing any more.", hint=mend, id="desk.W001")]
