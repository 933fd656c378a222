"""Write what gives each family of processes its own user of the operating system."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from adapters import conf, site
from adapters.cmdb.port import Inventory
from ethops import env, secretfile
from ethops.management.quiet import QuietCommand
from ethops.split import plan
from ethops.split.errors import NotSplittableError
from ethops.stack.layout import from_environment
from personas import entries

NEXT = """\
Read them, then as root, on this host:
  cp -a {folder}/etc/. /etc/
  systemd-sysusers && systemd-tmpfiles --create ethops.conf
  ./manage.py db bootstrap --apply --superuser-url ... && ./manage.py db prepare
  nft -f /etc/nftables.d/ethops.nft        # and include it in /etc/nftables.conf
  systemctl daemon-reload && systemctl enable --now ethops.target
On each host below {folder}/hosts: its etc/sudoers.d/ethops, looked at with `visudo -c`."""


class Command(QuietCommand):
    """`manage.py split write FOLDER`."""

    help = (
        "Users, units, packet filter and sudoers: one user of the system per family of processes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The one part, and where to write."""
        parts = parser.add_subparsers(dest="part", required=True)
        write = parts.add_parser("write", help="write all files below a new folder")
        write.add_argument("folder", type=Path)
        write.add_argument("--json", action="store_true", help="print what was written as JSON")

    def handle(self, *, part: str, folder: Path, **options: Any) -> None:
        """Write everything, or nothing and say why."""
        del part
        layout = from_environment(env.load())
        pinned, faults = entries.read()
        if faults:
            raise CommandError("\n".join(map(str, faults)))
        catalogue = {entry.name: entry.document for entry in pinned}
        needed = (env.CLONE, Path(sys.executable).resolve(), layout.state.parent)
        try:
            plan.check(layout, needed)
            found = list(plan.laid(layout, _inventory(), catalogue))
            folder.mkdir(parents=True, mode=0o700)
        except NotSplittableError as fault:
            raise CommandError(f"{fault}\n{fault.hint}", returncode=2) from fault
        except FileExistsError as fault:
            raise CommandError(
                f"{folder} is there already. Name a new one.", returncode=2
            ) from fault
        for one in found:
            path = folder / one.path
            path.parent.mkdir(parents=True, exist_ok=True)
            secretfile.write_private(path, one.text, durable=False)
            path.chmod(one.mode)
        if options["json"]:
            self.stdout.write(json.dumps([{"path": f.path, "mode": f"{f.mode:o}"} for f in found]))
        else:
            self.stdout.write("\n".join(f"{f.mode:04o}  {f.path}" for f in found))
            self.stdout.write("\n" + NEXT.format(folder=folder))


def _inventory() -> Inventory:
    path = conf.site_path()
    if path is None:
        return Inventory(hosts=(), cis=())
    read = site.read(path)
    if read.value is None:
        raise CommandError("\n".join(map(str, read.faults)))
    return read.value.inventory()
