"""What commands say of declared files: faults, and cautions only where they are asked for them."""

from typing import Any

import pytest
from django.core.management import CommandError, load_command_class

SEEN_BY_NOBODY = "hosts: [{name: far, connection: ssh, address: 192.0.2.1, user: ethops}]\n"


@pytest.fixture
def site(settings, tmp_path):
    """A site file with cautions, and no fault."""
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text(SEEN_BY_NOBODY)
    return settings.ETHOPS_SITE


def checked(name):
    """Let a command check as it does before it does anything."""
    command = load_command_class("ethops", name)
    kwargs: Any = command.get_check_kwargs({})
    command.check(**kwargs)


def test_a_command_of_every_day_repeats_no_caution(site, capsys):
    checked("sender")
    assert capsys.readouterr() == ("", "")


def test_the_command_that_loads_the_site_says_them(site, capsys):
    checked("site")
    assert "site.W001" in capsys.readouterr().err


def test_a_command_of_every_day_refuses_a_fault(site):
    site.write_text("hosts: 7\n")
    with pytest.raises(CommandError, match=r"site\.E001"):
        checked("sender")


def test_the_ledger_is_read_whatever_is_wrong_with_site_and_cards(site, settings, tmp_path):
    site.write_text("hosts: 7\n")
    settings.ETHOPS_GPU = tmp_path / "gpu.yaml"
    settings.ETHOPS_GPU.write_text("cards: [\n")
    checked("ledger")


def test_a_fault_of_what_the_ledger_has_for_itself_refuses_it(site):
    site.with_name("ledger.yaml").write_text("witnesses: 7\n")
    with pytest.raises(CommandError, match=r"personas\.E003"):
        checked("ledger")
