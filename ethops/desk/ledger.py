"""The desk's watch over the ledger: what its verifier found, tickets remember and witnesses say."""

from django.utils import timezone

from audit.ledger import receipts, trust, witnesses
from audit.models import Check
from audit.witness_states import AHEAD, REFUSES
from ethops.desk import dispatch
from ethops.desk.housekeeping import begin_occasion
from ethops.executor.receipts import kept

DAY_SECONDS = 86_400
SHOWN = 10


def watch() -> None:
    """Bring damage that nobody knows of to a person, as one incident."""
    damage = trust.damage()
    if damage is not None and not damage.acknowledged_by:
        findings = damage.findings[:SHOWN]
        dispatch.open_for_person(
            occasion=_occasion(f"ledger:broken:{_last_whole()}"),
            cause="ledger:broken",
            title="The ledger is broken",
            description="\n".join(findings),
            facts={"findings": list(findings)},
        )
    if begin_occasion("hold the ledger to receipts", DAY_SECONDS):
        _hold_to_receipts()
    _hear_witnesses()


def _last_whole() -> int:
    """Return the check that last found all whole: damage after the next such is another one."""
    return Check.objects.filter(whole=True, since=0).values_list("id", flat=True).first() or 0


def _occasion(cause: str) -> str:
    """Return the cause today: what lasts is said again where its incident was closed."""
    return f"{cause}:{timezone.now():%Y-%m-%d}"


def _hold_to_receipts() -> None:
    """Compare the ledger with what tickets remember of it: a cut that nobody else has seen."""
    found = list(receipts.findings(kept()))
    if found:
        dispatch.open_for_person(
            occasion=f"ledger:receipts:{found}",
            cause="ledger:receipts",
            title="The ledger is not what tickets remember of it",
            description="\n".join(found[:SHOWN]),
            facts={"findings": [*found[:SHOWN]]},
        )


def _hear_witnesses() -> None:
    """Bring to a person what a witness says against us; one that is only away is no incident."""
    for one in witnesses.standing().witnesses:
        if one.state in (AHEAD, REFUSES):
            cause = f"ledger:witness:{one.name}:{one.state}"
            dispatch.open_for_person(
                occasion=_occasion(cause),
                cause=cause,
                title="A witness does not agree with the ledger",
                description=f"{one.name} of {one.administrator}: {one.said}",
                facts={"witness": one.name, "state": one.state, "said": one.said},
            )
