"""What people say about the ledger: damage, redactions, epochs, retention, acts past it."""

import getpass
import hashlib
import json
from argparse import _SubParsersAction
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from audit import checkpointer
from audit.errors import RecordError
from audit.ledger import breakglass, exports, retention, trust
from audit.ledger.logkeys import KeyFile
from ethops import env
from ethops.desk import break_glass
from ethops.desk.errors import DeskError
from ethops.management.commands import _ledger_reach
from ethops.management.commands._ledger_files import new_file
from ethops.management.commands._persons import refused, signed
from personas import redaction
from personas.approvals import queries

Write = Callable[[str], object]


def add(parts: "_SubParsersAction[Any]") -> None:
    """Declare the subcommands."""
    signed(
        parts.add_parser(
            "acknowledge",
            help="say that you know what is wrong with it",
            description="Say that you know what the last checks found wrong with the ledger. "
            "It is put on record, and risky actions may run again until something else is found.",
        )
    )
    redact = parts.add_parser("redact", help="take a value away; its proof stays")
    redact.add_argument("digest", help="as the entry names it under `values`")
    signed(redact)
    epoch = parts.add_parser("epoch", help="go on from an older state, after a restore")
    epoch.add_argument("--known-size", type=int, help="of the last tree head known outside")
    epoch.add_argument("--known-root", default="", help="its root, in hex")
    signed(epoch)
    retain = parts.add_parser("retain", help="archive entries and declare that their bytes may go")
    retain.add_argument("archive", type=Path, help="file to write them to")
    retain.add_argument("--from", dest="first", type=int, default=1)
    retain.add_argument("--to", dest="last", type=int, required=True)
    retain.add_argument("--policy", required=True)
    retain.add_argument("--days", type=int, required=True, help="how old they must be at least")
    signed(retain)
    parts.add_parser("prune", help="let go what may go, as the owner of the tables")
    glass = parts.add_parser("break-glass", help="what was done while the ledger was down")
    acts = glass.add_subparsers(dest="act", required=True)
    bring = acts.add_parser("import", help="put the deeds of a YAML file on record")
    bring.add_argument("file", type=Path)
    bring.add_argument("--by", default=getpass.getuser())
    acts.add_parser("list", help="deeds that nobody else has looked at").add_argument(
        "--json", action="store_true", help="for programs"
    )
    seen = acts.add_parser("acknowledge", help="say that you have looked at one")
    seen.add_argument("deed", type=UUID)
    signed(seen)


def run(part: str, write: Write, options: dict[str, Any]) -> int:
    """Run one of them; what the doors refuse is told in their words."""
    try:
        with refused():
            return _PARTS[part](write, options)
    except (RecordError, DeskError) as fault:
        raise CommandError(f"{fault}\n{fault.hint}") from fault


def _acknowledge(write: Write, options: dict[str, Any]) -> int:
    found = trust.damage()
    if not trust.acknowledge(by=options["by"], why=options["why"]) or found is None:
        write("There is nothing to acknowledge: the last checks found it whole.")
        return 1
    write("\n".join(found.findings))
    write(f"Acknowledged by {options['by']}. Anything else that is found stops risky actions anew.")
    return 0


def _redact(write: Write, options: dict[str, Any]) -> int:
    found = redaction.take_away(digest=options["digest"], by=options["by"], why=options["why"])
    if not found.gone:
        write("There is no such value, or it was taken away before.")
        return 1
    write("\n".join(_ledger_reach.said(found)))
    return 0


def _epoch(write: Write, options: dict[str, Any]) -> int:
    keys = KeyFile(env.load().state / "ledger" / "log.key")
    size, root = options["known_size"], options["known_root"]
    signed = keys.last_signed() if size is None else None
    if signed is not None:
        size, root = signed.size, signed.root.hex()
    if size is None:
        raise CommandError("no tree head is known here: name the last one with --known-size")
    origin = retention.declare_epoch(
        by=options["by"], why=options["why"], known_size=size, known_root=root
    )
    write(f"The log goes on as ethops/{origin}; the last tree head known before is of {size}.")
    if keys.read() is not None and checkpointer.rotate(keys, f"ethops/{origin}"):
        return 1
    return 0


def _retain(write: Write, options: dict[str, Any]) -> int:
    total, count = hashlib.sha256(), 0
    with new_file(options["archive"]) as out:
        for line in exports.archive(options["first"], options["last"]):
            out.write(line + "\n")
            total.update(line.encode() + b"\n")
            count += 1
    if count != options["last"] - options["first"] + 1:
        raise CommandError(f"only {count} entries of that range still have their bytes")
    retention.declare_pruning(
        **{name: options[name] for name in ("first", "last", "policy", "days", "by", "why")},
        archive_sha256=total.hexdigest(),
    )
    write(f"{count} entries in {options['archive']}, SHA-256 {total.hexdigest()}.")
    write("Once that is below a signed tree head, `manage.py ledger prune` lets their bytes go.")
    return 0


def _prune(write: Write, options: dict[str, Any]) -> int:
    del options
    write(f"{retention.prune()} entries are their leaf hashes now.")
    write(f"{redaction.forget_pruned()} actions lost what had lain beside them.")
    return 0


def _break_glass(write: Write, options: dict[str, Any]) -> int:
    return {"import": _import, "list": _list, "acknowledge": _seen}[options["act"]](write, options)


def _import(write: Write, options: dict[str, Any]) -> int:
    deeds = break_glass.read(options["file"], datetime.now(UTC))
    single = queries.profile().single
    found = [breakglass.bring_in(one, by=options["by"], single_operator=single) for one in deeds]
    new = [one for one in found if one is not None]
    write(f"{len(new)} of {len(found)} deeds are new, and wait for somebody else to look at them.")
    return 0


def _list(write: Write, options: dict[str, Any]) -> int:
    rows = list(breakglass.debts().values("id", "who", "what", "claimed_at", "evidence_sha256"))
    if options["json"]:
        write(json.dumps(rows, default=str))
        return 0
    for row in rows:
        write(f"{row['id']}  {row['claimed_at']:%Y-%m-%d %H:%M}  {row['who']}: {row['what']}")
    return 0


def _seen(write: Write, options: dict[str, Any]) -> int:
    said = breakglass.acknowledge(
        options["deed"],
        by=options["by"],
        why=options["why"],
        single_operator=queries.profile().single,
    )
    write(said)
    return 0 if said == "acknowledged" else 1


_PARTS: dict[str, Callable[[Write, dict[str, Any]], int]] = {
    "acknowledge": _acknowledge,
    "redact": _redact,
    "epoch": _epoch,
    "retain": _retain,
    "prune": _prune,
    "break-glass": _break_glass,
}
