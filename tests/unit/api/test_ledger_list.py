"""A line of the ledger's list: what an entry is about, and who did it."""

import pytest

from ethops.pages.ledger import about


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"verb": "playbook.run", "entry": "restart", "target": "web-01", "card": "responder"},
         ("restart on web-01", "responder")),
        ({"step": 3, "choice": "restart", "slot": "small", "card": "triage"},
         ("step 3: restart", "triage")),
        ({"step": 3, "instance": "ab", "card": "triage"}, ("step 3", "triage")),
        ({"step": 3, "ending": "lost", "card": "triage"}, ("step 3: lost", "triage")),
        ({"slot": "small", "tier": "T1", "card": "gpu0", "principal": "run:90001234"},
         ("small", "run 9000")),
        ({"vkey": "ethops/uuid+3f2a9c11+AQ==", "from_size": 1}, ("key 3f2a9c11", "")),
        ({"changed": ["card triage", "catalogue"], "noted_by": "ethops_owner"},
         ("card triage and catalogue", "ethops_owner")),
        ({"what": "made", "by": "ada", "noted_by": "ethops_app"}, ("made", "ada")),
        ({"verdict": "no_permit", "line": "sshd[1]: Accepted"}, ("no_permit", "")),
        ({"card": "triage", "engine": "rules", "asked": 12, "sound": 11, "by": "site load"},
         ("triage by rules: 11 of 12 sound", "site load")),
        ({"line": 4, "author": "ada"}, ("line 4 of the worklog", "ada")),
        ({"vkey": 7, "changed": {}, "step": []}, ("key ", "")),
    ],
)  # fmt: skip
def test_an_entry_says_what_it_is_about_and_by_whom(body, said):
    assert about({"body": body}) == said
