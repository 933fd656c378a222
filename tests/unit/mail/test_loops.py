"""What a machine wrote is answered by nobody; what a person wrote is read."""

import pytest

from ethops.mail import loops

DESK = "desk@example.org"


def why(sender="mia@example.org", envelope="mia@example.org", received=3, **headers):
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return loops.machine(said, sender=sender, envelope=envelope, own=DESK, received=received)


def test_a_person_s_letter_is_read():
    assert why() == ""
    assert why(auto_submitted="no", precedence="first-class") == ""


@pytest.mark.parametrize(
    "of",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "Auto-Generated; x=y"},
        {"precedence": "Bulk"},
        {"x_autoreply": "yes"},
        {"list_id": "<l.example.org>"},
        {"envelope": ""},
        {"envelope": "<>"},
        {"sender": "DESK@example.org".lower()},
        {"sender": "mailer-daemon@example.org"},
        {"sender": "no-reply+x@example.org"},
        {"content_type": "multipart/report; report-type=delivery-status"},
        {"received": 31},
    ],
    ids=str,
)
def test_a_machine_s_letter_is_not(of):
    assert why(**of)


@pytest.mark.parametrize(
    ("said", "forged"),
    [("mx; dmarc=fail (p=none)", True), ("mx; DMARC = FAIL", True), ("mx; dmarc=pass", False),
     ("", False)],
)  # fmt: skip
def test_what_the_site_s_server_found_forged_is_forged(said, forged):
    assert loops.forged({"authentication-results": said}) is forged
