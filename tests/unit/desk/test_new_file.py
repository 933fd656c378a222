"""A file that a command writes is new and whole, or is not there."""

import pytest
from django.core.management import CommandError

from ethops.management.commands._ledger_files import new_file


def test_what_was_written_is_there(tmp_path):
    with new_file(tmp_path / "out") as out:
        out.write("all of it")
    assert (tmp_path / "out").read_text() == "all of it"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_half_of_one_is_not_left_behind(tmp_path, fault):
    with pytest.raises(fault), new_file(tmp_path / "out") as out:
        out.write("half of it")
        raise fault
    assert not (tmp_path / "out").exists()


def test_one_that_was_there_stays_as_it_was(tmp_path):
    (tmp_path / "out").write_text("kept")
    with pytest.raises(CommandError, match="Nothing is overwritten"), new_file(tmp_path / "out"):
        pytest.fail("it was opened")
    assert (tmp_path / "out").read_text() == "kept"
