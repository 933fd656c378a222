"""By whom a Neo4j is asked: what its password's file holds now."""

from pathlib import Path

import pytest
from neo4j.exceptions import AuthError

from adapters.graph.errors import GraphAwayError
from adapters.graph.server import Login, Server


def test_a_password_that_was_changed_is_sent_without_a_start(tmp_path: Path) -> None:
    file = tmp_path / "neo4j"
    file.write_text("old\n", encoding="utf-8")
    ours = Login("ethops", file)
    known = ours.get_auth()
    file.write_text("new\n", encoding="utf-8")
    assert (known.principal, known.credentials) == ("ethops", "old")
    assert ours.get_auth().credentials == "new"
    assert not ours.handle_security_exception(known, AuthError())


def test_where_the_file_is_gone_the_graph_is_away(tmp_path: Path) -> None:
    there = Server("bolt://127.0.0.1:9", "ethops", str(tmp_path / "absent"))
    with pytest.raises(GraphAwayError):
        there.ask("RETURN 1")
