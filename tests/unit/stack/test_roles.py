"""The statements of the superuser, as text."""

import base64

from ethops.secretfile import ROLES as SECRET_ROLES
from ethops.stack import roles

PASSWORDS = {role.name: f"secret-of-{role.name}" for role in roles.ROLES}


def test_every_role_has_a_secret() -> None:
    assert {role.name for role in roles.ROLES} == set(SECRET_ROLES)


def test_a_scram_verifier_is_what_the_standard_says() -> None:
    # Password and salt of RFC 7677, section 3.
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert roles.scram_verifier("pencil", salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_the_printed_script_holds_no_password() -> None:
    script = roles.script("ops", PASSWORDS)
    assert "secret-of" not in script
    for role in roles.ROLES:
        assert f'CREATE ROLE "{role.name}"' in script


def test_the_printed_script_closes_the_database_to_the_public() -> None:
    script = roles.script("ops", PASSWORDS)
    assert 'REVOKE ALL ON DATABASE "ops" FROM PUBLIC;' in script
    assert "REVOKE ALL ON SCHEMA public FROM PUBLIC;" in script
    assert "CREATE EXTENSION IF NOT EXISTS vector;" in script
