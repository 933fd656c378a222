"""`manage.py gpu run` where nothing would ever run."""

from ethops.management.commands import _gpu_run


def test_without_a_declared_card_it_does_not_wait(clean_db, capsys):
    said = {"command": ["true"], "tier": "research", "preemptible": False, "max_hours": 0.01}
    assert _gpu_run.run(lambda _: None, said) == 2
    assert "No card is declared" in capsys.readouterr().err
