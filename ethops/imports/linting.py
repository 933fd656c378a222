"""What ansible-lint says of an entry's playbooks: its own process, its own home, no network."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from ethops.imports.errors import LintMissingError

SECONDS: Final = 120
MOST: Final = 200


def findings(folder: Path) -> tuple[str, ...]:
    """Return each rule that a playbook breaks, as `rule file`, in order.

    Raises:
        LintMissingError: there is no ansible-lint here, or it came to no end.
    """
    books = sorted(path.name for path in folder.glob("*.yaml") if path.name != "ethops.yaml")
    programs = Path(sys.executable).parent
    lint = shutil.which("ansible-lint", path=str(programs))
    if lint is None:
        raise LintMissingError(
            "There is no ansible-lint in this environment.", "Install it beside ethops."
        )
    with tempfile.TemporaryDirectory() as home:
        try:
            done = subprocess.run(
                [
                    lint, "--offline", "--nocolor", "-q", "--format", "codeclimate",
                    "--profile", "production", "--project-dir", str(folder), "--", *books,
                ],
                cwd=folder,
                env={
                    "HOME": home,
                    "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
                    "ANSIBLE_HOME": home,
                    "LANG": "C.UTF-8",
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )  # fmt: skip
            said = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError) as fault:
            raise LintMissingError(
                f"ansible-lint came to no end: {fault}", "Run it by hand on the playbook."
            ) from fault
    found = {f"{one['check_name']} {Path(one['location']['path']).name}" for one in said}
    return tuple(sorted(found))[:MOST]
