"""What a person may be here. Pure: a table; groups of the same names are made from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Role:
    """One role: where its people come in, what they may do, how long they may be away."""

    desk: bool
    """Its people have a place at the desk; others have the portal."""
    acts: bool
    """Its people may change something there."""
    idle_seconds: int
    """After so long without a page asked for, they log in again."""
    rights: frozenset[str] = frozenset()
    """Permissions of Django's, beyond what everybody at the desk may."""


_SCHEDULES: Final = tuple(
    f"django_celery_beat.{kind}"
    for kind in (
        *("clockedschedule", "crontabschedule", "intervalschedule", "periodictask"),
        "solarschedule",
    )
)
_KEPT: Final = (
    *("auth.user", "authtoken.tokenproxy", "sla.calendar", "sla.service", "sla.target"),
    *("notify.contact", "notify.rule", "desk.maintenancewindow", "desk.eventpolicy"),
    *_SCHEDULES,
)


def _view_of(model: str) -> str:
    app, _, name = model.partition(".")
    return f"{app}.view_{name}"


def _all_of(model: str) -> list[str]:
    app, _, name = model.partition(".")
    return [f"{app}.{verb}_{name}" for verb in ("view", "add", "change", "delete")]


ROLES: Final[dict[str, Role]] = {
    "requester": Role(desk=False, acts=True, idle_seconds=8 * HOUR),
    "operator": Role(
        desk=True,
        acts=True,
        idle_seconds=8 * HOUR,
        rights=frozenset({"personas.change_run", "personas.add_agentintent"}),
    ),
    "approver": Role(
        desk=True,
        acts=True,
        idle_seconds=HOUR,
        rights=frozenset({"approvals.approve", "compliance.attest"}),
    ),
    # Not tokens: who sees one may act with it.
    "auditor": Role(
        desk=True,
        acts=False,
        idle_seconds=HOUR,
        rights=frozenset({"auth.view_user", "auth.view_group", *map(_view_of, _SCHEDULES)}),
    ),
    "admin": Role(
        desk=True,
        acts=True,
        idle_seconds=HOUR // 2,
        rights=frozenset(
            {
                *("personas.change_stop", "personas.change_autonomy", "personas.change_run"),
                *("personas.add_agentintent", "audit.add_acknowledgement", "gpu.change_client"),
                *("auth.view_group", "cmdb.change_ci", "compliance.attest"),
                *(right for model in _KEPT for right in _all_of(model)),
            }
        ),
    ),
}
"""Role -> what it may; a group that is not named here gives no role."""

LONGEST_SECONDS: Final = 12 * HOUR
"""After so long everybody logs in again, however busy."""


def only_looks(names: Iterable[str]) -> bool:
    """Tell whether these groups let somebody look at the desk and do nothing there."""
    held = [ROLES[name] for name in names if name in ROLES]
    at_desk = [role for role in held if role.desk]
    return bool(at_desk) and not any(role.acts for role in at_desk)


def idle_seconds(names: Iterable[str], *, superuser: bool, staff: bool) -> int:
    """Return how long somebody of these groups may be away: the shortest of his roles counts."""
    held = {name for name in names if name in ROLES}
    if superuser:
        held.add("admin")
    return min(ROLES[name].idle_seconds for name in held or {"operator" if staff else "requester"})
