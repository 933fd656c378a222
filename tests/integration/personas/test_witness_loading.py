"""`site load` brings witnesses of `ledger.yaml` into the rows that the gate reads."""

from collections.abc import Callable

import pytest
from django.db import connections

from audit.ledger.notes import Kind, Signer
from audit.ledger.witnesses import standing
from audit.models import Witness, Witnessing
from personas import witnesses
from personas.errors import BadDeclarationError

ONE = Signer.new("host/w1", Kind.COSIGNATURE)


@pytest.fixture
def load(clean_db, servers, tmp_path, settings) -> Callable[..., list[str]]:
    settings.ETHOPS_SITE = tmp_path / "site.yaml"

    def loaded(text: str | None = None) -> list[str]:
        path = tmp_path / "ledger.yaml"
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text)
        point(servers, "ethops_owner")
        try:
            return witnesses.load()
        finally:
            point(servers, "ethops_app")

    return loaded


def point(servers, role: str) -> None:
    connections.close_all()
    password = servers.layout.secrets.role_passwords[role]
    connections["default"].settings_dict.update(USER=role, PASSWORD=password)


def said(signer: Signer = ONE, administrator: str = "Ada", more: str = "") -> str:
    return (
        f"administrator: Us\n{more}\nwitnesses:\n"
        f"  - {{vkey: '{signer.key.vkey}', url: 'http://w:1', administrator: {administrator}}}\n"
    )


def test_declared_witnesses_are_asked_for(load) -> None:
    assert load(said()) == [
        "added witness host/w1 of Ada",
        "ledger: administrator is Us",
        "ledger: quorum is 1",
    ]
    assert (Witnessing.objects.get().quorum, Witness.objects.get().enabled) == (1, True)


def test_the_same_file_again_changes_nothing(load) -> None:
    load(said())
    assert load(said()) == []


def test_without_the_file_nobody_is_asked(load) -> None:
    load(said())
    assert "retired witness host/w1" in load(None)
    assert Witnessing.objects.get().quorum == 0


def cosign(role) -> None:
    role("owner").execute("INSERT INTO audit_treehead VALUES (9, sha256(''), 'n')")
    role("witness").execute("SELECT audit.cosigned('host/w1', 9, 'line', now())")


def test_another_key_has_signed_nothing(load, role) -> None:
    load(said())
    cosign(role)
    load(said(Signer.new("host/w1", Kind.COSIGNATURE)))
    assert Witness.objects.get().size == 0


def test_another_address_keeps_what_was_signed(load, role) -> None:
    load(said())
    cosign(role)
    load(said().replace("http://w:1", "http://w:2"))
    assert (Witness.objects.get().size, Witness.objects.get().url) == (9, "http://w:2")


def test_a_fault_changes_nothing(load) -> None:
    load(said())
    with pytest.raises(BadDeclarationError, match="never reached"):
        load(said(more="quorum: 3"))
    assert Witnessing.objects.get().quorum == 1


def test_one_s_own_witness_is_said_to_count_as_none(load) -> None:
    load(said(administrator="us"))
    found = standing()
    assert not found.witnesses[0].independent
    assert found.says == "No independent witness is asked for: risky actions do not wait for one."


def test_without_witnesses_it_is_said_aloud(load) -> None:
    load(None)
    assert standing().says.startswith("No witness is declared")
