"""`manage.py gpu run -- CMD`: what is run is what was typed."""

import pytest

from ethops.management.commands import _gpu_run
from ethops.management.commands.gpu import Command


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("-- python train.py --epochs 3", "python train.py --epochs 3"),
        ("--tier ops --preemptible -- nvidia-smi", "nvidia-smi"),
        ("python train.py", "python train.py"),
        # A `--` of the command's own tells it where its options end.
        ("-- git log -- train.py", "git log -- train.py"),
        ("-- sh -c true -- --", "sh -c true -- --"),
        ("--", ""),
    ],
)
def test_no_word_of_the_command_is_lost(typed: str, command: str) -> None:
    parser = Command().create_parser("manage.py", "gpu")
    options = vars(parser.parse_args(["run", *typed.split()]))
    assert _gpu_run.asked(options["command"]) == command.split()
