"""The page about the ledger's tree names every reason for which nothing is signed."""

import re

from ethops.env import CLONE


def test_every_refusal_is_on_the_page():
    source = "".join(
        (CLONE / "audit" / name).read_text() for name in ("checkpointer.py", "ledger/logkeys.py")
    )
    page = (CLONE / "docs" / "reference" / "ledger.md").read_text()
    raised = set(re.findall(r'SigningRefusedError\(\s*"([a-z_]+)"', source))
    assert len(raised) > 10
    assert {code for code in raised if f"`{code}`" not in page} == set()
