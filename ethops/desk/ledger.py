"""The desk's watch over the ledger: it is checked every half minute, and whole once a day."""

from audit.ledger import trust, verification
from ethops.desk import dispatch
from ethops.desk.housekeeping import begin_occasion

DAY_SECONDS = 86_400
SHOWN = 10


def check() -> bool:
    """Check what the ledger has gained, or all of it; damage nobody knows of is one incident."""
    if begin_occasion("check the whole ledger", DAY_SECONDS):
        report = verification.check_and_keep()
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
    return report.whole
