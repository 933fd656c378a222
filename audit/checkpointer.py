"""The checkpointer: the one process that signs tree heads. It needs no Django.

    DATABASE_URL=... ETHOPS_STATE=... python -m audit.checkpointer [--key FILE]
    python -m audit.checkpointer --rotate --key FILE         lays a new key beside the old one
    python -m audit.checkpointer --remember HEAD --key FILE  takes that head for the last signed

It reads entries in order, checks the chain on its way, grows the tree, and signs its head. Tiles
and head are one synchronous commit, so what anybody can read of them survives; a head is remembered
beside the key only after that. Where the database contradicts itself, or is older than what was
signed, it signs nothing and says why.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from audit import processes
from audit.errors import NoProofError, NoteError, SigningRefusedError
from audit.ledger.chain import GENESIS, link
from audit.ledger.logkeys import KeyFile, statement
from audit.ledger.merkle import leaf_hash
from audit.ledger.notes import Key, Signer, TreeHead, open_note, sign
from audit.ledger.tiles import Growth
from audit.processes import Link, Process

BATCH = 8192
GAP_SECONDS = 1.0
"""Between two heads, unless an effect waits for one."""
HURRIED_GAP_SECONDS = 0.02
POLL_SECONDS = 1.0
REFUSED_SECONDS = 5.0

log = logging.getLogger("audit.checkpointer")


class Checkpointer(Process):
    """One connection, one tree: follow the entries, sign what was added."""

    name = "checkpointer"

    def __init__(self, dsn: str, keys: KeyFile) -> None:
        super().__init__(dsn)
        self._keys = keys
        self._signed_at = 0.0

    def _serve(self, connection: Link) -> None:
        connection.execute("LISTEN ethops_entries")
        connection.execute("LISTEN ethops_head_wanted")
        while self._going:
            try:
                tree = Tree.resume(connection, self._keys)
                _stands(connection, "following")
                self._follow(connection, tree)
            except SigningRefusedError as refused:
                log.error("nothing is signed: %s", refused)  # noqa: TRY400 - no trace is needed
                _stands(connection, "refused", refused.state, str(refused))
                self._pause(connection, REFUSED_SECONDS)

    def _follow(self, connection: Link, tree: "Tree") -> None:
        while self._going:
            self._beat(connection)
            if self._keys.next.exists():
                return  # resuming hands over to the waiting key
            signed = tree.sign_next(connection)
            if signed is None:
                return  # another process was faster: read again what is there
            if signed:
                self._signed_at = time.monotonic()
            if signed < BATCH:
                self._wait(connection)

    def _wait(self, connection: Link) -> None:
        """Return when there may be something to sign and it is time for it."""
        asleep_until = time.monotonic() + POLL_SECONDS
        gap = 0.0
        while (left := (self._signed_at + gap if gap else asleep_until) - time.monotonic()) > 0:
            for notice in connection.notifies(timeout=left, stop_after=1):
                hurried = notice.channel == "ethops_head_wanted" or gap == HURRIED_GAP_SECONDS
                gap = HURRIED_GAP_SECONDS if hurried else GAP_SECONDS
            self._beat(connection)
            if not self._going:
                return

    def _pause(self, connection: Link, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._going and (left := until - time.monotonic()) > 0:
            self._beat(connection)
            for _ in connection.notifies(timeout=min(left, POLL_SECONDS)):
                pass


class Tree:
    """The tree in memory at its newest signed size, and the key that signs the next head."""

    def __init__(self, origin: str, signer: Signer, keys: KeyFile, growth: Growth) -> None:
        self.origin = origin
        self._signer = signer
        self._keys = keys
        self._growth = growth
        self._prev = GENESIS

    @classmethod
    def resume(cls, connection: Link, keys: KeyFile) -> "Tree":
        """Return the tree as it is stored, checked against head, chain and what was signed.

        Raises:
            SigningRefusedError: they contradict each other, or the key is not the log's.
        """
        origin = f"ethops/{processes.origin(connection)}"
        stored = connection.execute(
            "SELECT size, root, note FROM audit_treehead ORDER BY size DESC LIMIT 1"
        ).fetchone()
        size, root, note = (0, b"", "") if stored is None else stored
        growth = _grown(connection, int(size), bytes(root))
        _compare_with_signed(connection, keys, origin, growth.size)
        signer = _signer(connection, keys, origin, growth.size + 1)
        tree = cls(origin, signer, keys, growth)
        if stored is not None:
            _require_ours(connection, str(note))
            tree._prev = _last_link(connection, growth)
            keys.remember(str(note))
        return tree

    def sign_next(self, connection: Link) -> int | None:
        """Sign a head over what has come; returns how many entries, None where others did it.

        Raises:
            SigningRefusedError: the new entries are no chain.
        """
        before = self._growth.size
        self._grow(connection)
        size = self._growth.size
        if size == before:
            return 0
        head = TreeHead(self.origin, size, self._growth.root())
        note = sign(head.text, self._signer)
        changed = self._growth.settle()
        grown = connection.execute(
            "SELECT audit.grow_tree(%s, %s, %s, %s, %s, %s::int[], %s::bigint[], %s::bytea[])",
            [self._signer.key.vkey, before, size, head.root, note, [level for level, _ in changed],
             [index for _, index in changed], list(changed.values())],
        ).fetchone()  # fmt: skip
        if grown != (True,):
            return None
        self._keys.remember(note)
        return size - before

    def _grow(self, connection: Link) -> None:
        with connection.cursor(binary=True) as cursor:
            cursor.execute(
                "SELECT seq, prev, hash, body FROM audit_entry"
                " WHERE seq > %s ORDER BY seq LIMIT %s",
                [self._growth.size, BATCH],
            )
            rows: list[tuple[int, bytes, bytes, bytes]] = cursor.fetchall()
        for seq, prev, digest, body in rows:
            if seq != self._growth.size + 1 or prev != self._prev or digest != link(prev, body):
                raise SigningRefusedError(
                    "chain_broken", f"entry #{self._growth.size + 1} does not continue the chain"
                )
            self._growth.append(leaf_hash(body))
            self._prev = digest


# ---------------------------------------------------------------- what is checked at the start


def _grown(connection: Link, size: int, root: bytes) -> Growth:
    def fetch(level: int, index: int) -> bytes:
        row = connection.execute(
            "SELECT hashes FROM audit_tile WHERE level = %s AND index = %s", [level, index]
        ).fetchone()
        return b"" if row is None else bytes(row[0])

    try:
        growth = Growth(size, fetch)
    except NoProofError as fault:
        raise SigningRefusedError("tree_incomplete", str(fault)) from fault
    if size and growth.root() != root:
        raise SigningRefusedError(
            "tree_disagrees", f"the stored tiles do not give the root of the head of {size}"
        )
    return growth


def _last_link(connection: Link, growth: Growth) -> bytes:
    row = connection.execute(
        "SELECT prev, hash, body FROM audit_entry WHERE seq = %s", [growth.size]
    ).fetchone()
    if row is None:
        raise SigningRefusedError("chain_short", f"entry #{growth.size} was signed and is gone")
    prev, digest, body = map(bytes, row)
    if link(prev, body) != digest or leaf_hash(body) != growth.last:
        raise SigningRefusedError(
            "chain_disagrees", f"entry #{growth.size} is not the one that was signed"
        )
    return digest


def _compare_with_signed(connection: Link, keys: KeyFile, origin: str, size: int) -> None:
    signed = keys.last_signed()
    if signed is None:
        _require_new(connection, keys)
        return
    if signed.origin != origin:
        return
    if signed.size > size:
        raise SigningRefusedError(
            "rolled_back",
            f"a head of {signed.size} entries was signed, but the database ends at {size}: was an"
            " older one restored? Declare a new epoch",
        )
    row = connection.execute(
        "SELECT root FROM audit_treehead WHERE size = %s", [signed.size]
    ).fetchone()
    if row is None or bytes(row[0]) != signed.root:
        raise SigningRefusedError(
            "forked", f"the head of {signed.size} is not the one that was signed"
        )


def _require_new(connection: Link, keys: KeyFile) -> None:
    """Refuse to go on from heads that this side remembers nothing of: an older one could be back.

    With the key an empty memory is made; a crash may leave one head that it does not hold yet.
    """
    heads = connection.execute("SELECT FROM audit_treehead LIMIT 2").fetchall()
    if len(heads) > (1 if keys.signed.exists() else 0):
        raise SigningRefusedError(
            "signed_missing",
            f"{keys.signed} is gone, though heads were signed: bring it back, or give the head that"
            " a witness knows with --remember",
        )


def _require_ours(connection: Link, note: str) -> None:
    try:
        open_note(note, [Key.parse(vkey) for vkey in _known(connection)])
    except NoteError as fault:
        raise SigningRefusedError("head_unsigned", f"the newest tree head: {fault}") from fault


def _signer(connection: Link, keys: KeyFile, origin: str, from_size: int) -> Signer:
    """Return the key for the next head: the log's newest, the first, or one that follows."""
    known = _known(connection)
    signer, following = keys.read(), keys.read_next()
    if signer is None and not known:
        signer = keys.make(origin)
    if signer is None:
        raise SigningRefusedError("key_lost", f"{keys.path} is gone: restore it from a backup")
    if following is not None:
        _require_named(following, origin)
        if following.key.vkey not in known:
            note = statement(signer, following.key, from_size)
            _register(connection, following.key, from_size, note)
        keys.move_on()
        log.info("the log's key is now %s", following.key.vkey)
        return following
    _require_named(signer, origin)
    if not known:
        _register(connection, signer.key, from_size, "")
    elif signer.key.vkey != known[-1]:
        raise SigningRefusedError("key_unknown", f"{keys.path} does not hold the log's newest key")
    return signer


def _require_named(signer: Signer, origin: str) -> None:
    if signer.name != origin:
        raise SigningRefusedError(
            "key_of_another", f"the key belongs to {signer.name}, this ledger is {origin}: a new"
            " epoch needs a new key, see --rotate",
        )  # fmt: skip


def _register(connection: Link, key: Key, from_size: int, note: str) -> None:
    connection.execute("SELECT audit.register_key(%s, %s, %s)", [key.vkey, from_size, note])


def _known(connection: Link) -> list[str]:
    rows = connection.execute("SELECT vkey FROM audit_logkey ORDER BY n").fetchall()
    return [str(vkey) for (vkey,) in rows]


def _stands(connection: Link, state: str, code: str = "", detail: str = "") -> None:
    connection.execute("SELECT audit.signing_stands(%s, %s, %s)", [state, code, detail])


# ---------------------------------------------------------------- the process


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; with --rotate only lay a new key beside the old one."""
    processes.log_to_stderr()
    parser = argparse.ArgumentParser(prog="python -m audit.checkpointer")
    parser.add_argument("--key", type=Path, help="the file of the log's key")
    parser.add_argument("--origin", default="", help="with --rotate: the name of a new epoch")
    parser.add_argument("--rotate", action="store_true", help="lay a new key beside it and end")
    parser.add_argument("--remember", type=Path, help="a head, as a witness keeps it; and end")
    said = parser.parse_args(arguments)
    state = os.environ.get("ETHOPS_STATE", "")
    if said.key is None and not state:
        parser.error("name the file with --key, or set ETHOPS_STATE")
    keys = KeyFile(said.key or Path(state) / "ledger" / "log.key")
    if said.rotate:
        return rotate(keys, said.origin)
    if said.remember is not None:
        return remember(keys, said.remember)
    return processes.main(lambda dsn: Checkpointer(dsn, keys))


def rotate(keys: KeyFile, name: str = "") -> int:
    """Lay a new key beside the old one; the running process, or its next start, hands over."""
    try:
        old = keys.read()
        if old is None:
            raise SigningRefusedError("key_lost", f"{keys.path} is not there")
        made = keys.make_next(name or old.name)
    except (SigningRefusedError, FileExistsError) as fault:
        log.error("no new key: %s", fault)  # noqa: TRY400 - no trace is needed
        return 1
    sys.stdout.write(f"{made.key.vkey}\n")
    return 0


def remember(keys: KeyFile, head: Path) -> int:
    """Take a head of ours from elsewhere for the last signed, where that memory was lost."""
    try:
        signer, note = keys.read(), head.read_text(encoding="utf-8")
        if signer is None:
            raise SigningRefusedError("key_lost", f"{keys.path} is not there")
        found = TreeHead.parse(open_note(note, [signer.key])[0])
        known = keys.last_signed() if keys.signed.exists() else None
        if known is not None and known.size > found.size:
            raise SigningRefusedError("rolled_back", f"a head of {known.size} was signed later")
        keys.remember(note)
    except (SigningRefusedError, NoteError, OSError, UnicodeError) as fault:
        log.error("not remembered: %s", fault)  # noqa: TRY400 - no trace is needed
        return 1
    sys.stdout.write(f"the last head that was signed is of {found.size}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
