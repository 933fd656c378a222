"""How a notice is written for each kind of receiver."""

import json

import pytest

from ethops.executor import mailing, posting
from ethops.executor.errors import UndeliveredError
from ethops.executor.told import Told

TOLD = Told("https://t.example.org/ops", "P1 INC-00001: Größe", "Look.\nNow.", "INC-00001", "k-1")
DESK = "desk@example.org"


def test_ntfy_is_told_how_urgent_it_is_and_where_to_look(settings):
    settings.ETHOPS_URL = "https://desk.example.org"
    request = posting.SHAPES["ntfy"](TOLD)
    assert (request.method, request.content) == ("POST", b"Look.\nNow.")
    assert request.headers["Priority"] == "5"
    assert request.headers["Click"] == "https://desk.example.org/tickets/INC-00001/"
    assert (b"Title", TOLD.title.encode()) in [(name, value) for name, value in request.headers.raw]


def test_matrix_gets_a_message_under_our_key(settings, tmp_path):
    settings.ETHOPS_STATE = tmp_path
    (tmp_path / posting.TOKEN).write_text("s3cret\n")
    request = posting.SHAPES["matrix"](TOLD)
    assert request.method == "PUT"
    assert str(request.url).endswith("/ops/send/m.room.message/k-1")
    assert request.headers["Authorization"] == "Bearer s3cret"
    said = json.loads(request.content)
    assert said == {"msgtype": "m.text", "body": "P1 INC-00001: Größe\n\nLook.\nNow."}


def test_matrix_without_its_token_says_which_file_is_missing(settings, tmp_path):
    settings.ETHOPS_STATE = tmp_path
    with pytest.raises(UndeliveredError, match=r"matrix\.token"):
        posting.SHAPES["matrix"](TOLD)


def test_mail_hangs_together_by_ticket_and_is_answered_by_no_program():
    message = mailing._message(TOLD, DESK)
    assert message["Subject"] == "[INC-00001] P1 INC-00001: Größe"
    assert message["References"] == "<ticket.INC-00001@example.org>"
    assert message["Message-ID"] == "<notice.k-1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
