"""The desk's watch over the ledger: it is checked every half minute, and whole once a day."""

from itertools import islice

from audit.ledger import receipts, trust, verification, witnesses
from audit.witness_states import AHEAD, REFUSES
from ethops.desk import dispatch
from ethops.desk.housekeeping import begin_occasion
from ethops.executor.receipts import kept

DAY_SECONDS = 86_400
SHOWN = 10


def check() -> bool:
    """Check what the ledger has gained, or all of it; damage nobody knows of is one incident."""
    if begin_occasion("check the whole ledger", DAY_SECONDS):
        report = verification.check_and_keep()
        _hold_to_receipts()
    else:
        report = verification.check_on()
    # What its own signer refuses to sign on is not whole either.
    damage = trust.damage()
    if damage is not None and not damage.acknowledged_by:
        findings = damage.findings[:SHOWN]
        dispatch.open_for_person(
            occasion="ledger:broken",
            title="The ledger is broken",
            description="\n".join(findings),
            facts={"findings": list(findings)},
        )
    _hear_witnesses()
    return report.whole


def _hold_to_receipts() -> None:
    """Compare the ledger with what tickets remember of it: a cut that nobody else has seen."""
    found = list(islice(receipts.findings(kept()), SHOWN))
    if found:
        dispatch.open_for_person(
            occasion="ledger:receipts",
            title="The ledger is not what tickets remember of it",
            description="\n".join(found),
            facts={"findings": list(found)},
        )


def _hear_witnesses() -> None:
    """Bring to a person what a witness says against us; one that is only away is no incident."""
    for one in witnesses.standing().witnesses:
        if one.state in (AHEAD, REFUSES):
            dispatch.open_for_person(
                occasion=f"ledger:witness:{one.name}:{one.state}",
                title="A witness does not agree with the ledger",
                description=f"{one.name} of {one.administrator}: {one.said}",
                facts={"witness": one.name, "state": one.state, "said": one.said},
            )
