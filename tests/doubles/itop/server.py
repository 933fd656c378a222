"""A fake iTop on a real socket: it loses updates, forgets rights and says all of it with 200."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Lock, Thread
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from typing_extensions import override

from tests.doubles.itop.life import LIVES, PREFIX, demanded
from tests.waiting import PATIENCE_SECONDS

TOKEN: Final = "a-token-of-the-fake"
USER: Final = ("ethops", "a password, as people write them: ä")
LOGS: Final = ("public_log", "private_log")
HTML: Final = ("description", "solution")
COLUMN: Final = 65_535
TOO_LONG: Final = (
    "Error: Failed to issue SQL query: query = INSERT INTO `ticket` (...), mysql_errno = 1406,"
    " mysql_error = Data too long for column '{}' at row 1"
)
DENIED: Final = "The current user does not have enough permissions for {} data of class {}"
HUNG_UP: Final = (
    b'{"code": 2006, "message": "Error: MySQL server has gone away: query = ROLLBACK,'
    b' mysql_errno = 2006, mysql_error = MySQL server has gone away"}'
)
"""Its database was away for a moment, or the query longer than its max_allowed_packet."""
NOISE: Final = b"<br />\n<b>Warning</b>:  Undefined variable in <b>x</b> on line <b>2</b><br />\n"
UNFIT: Final = {"EN": "Unexpected value for attribute", "DE": "Ungültiger Attributwert"}
ABSTRACT: Final = ("Ticket", "Change")
OTHERS: Final = (
    *("Organization", "Person", "Team", "lnkPersonToTeam", "FunctionalCI", "Server", "Attachment"),
    "BackgroundTask",
)
NAMED: Final = {
    "team_name": ("team_id", "name"),
    "agent_name": ("agent_id", "name"),
    "agent_id_friendlyname": ("agent_id", "friendlyname"),
}
"""What iTop reads of the object that a key points to."""
Fault = Literal[
    "html", "half", "empty_500", "slow", "drip", "done_then_cut", "no_object", "noisy", "full",
    "hung_up",
]  # fmt: skip
_QUERY: Final = re.compile(r"SELECT (\w+)(?: WHERE (.+))?", re.DOTALL)
_TERM: Final = re.compile(
    r"(\w+)\s*(>=|<=|!=|=|<|>|LIKE|IN)\s*(?:'((?:[^'\\]|\\.)*)'|(\d+|\([\d, ]+\)))"
)
_NOW: Final = "2026-01-01 00:00:00"
USER_ID: Final = "9"
"""Of the login that we have there; lines of logs bear it, and nobody may forge it."""


class Refusal(Exception):  # noqa: N818 - what iTop says is no fault of the fake
    """An answer whose code is not 0."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


@dataclass
class Itop:
    """The objects of the fake, and what it does wrong beyond what iTop always does."""

    objects: dict[int, dict[str, Any]] = field(default_factory=dict)
    gap_s: float = 0.0
    """Between reading an object and writing it back, as iTop does, without any lock."""
    all_read: Barrier | None = None
    """Who has read waits here for the others: all of them then write over each other."""
    faults: list[Fault | None] = field(default_factory=list)
    """What goes wrong with the next calls, one each; None is nothing."""
    comments: list[str] = field(default_factory=list)
    stimuli: list[tuple[int, str]] = field(default_factory=list)
    """Which objects were given what, in turn."""
    contact: int = 0
    """The person of the token."""
    at: str = _NOW
    """What time it is there, to the second."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Every operation that was asked for, in turn."""
    address: str = ""
    language: Literal["EN", "DE"] = "EN"
    """Of our user there: what is wrong with a value is said in it."""
    without_tokens: bool = False
    """The module for tokens is not installed, as in iTop's own package: a login is all there is."""
    broken: set[str] = field(default_factory=set)
    """Keys of objects that an extension of the site dies of."""
    unreadable: set[int] = field(default_factory=set)
    """Ids of objects whose logs it dies of."""
    closed: bool = False
    """Nobody may write: it says what it says to a user without a profile."""
    largest: int = 8 * 1024 * 1024
    """Bytes of a form; a larger one is dropped as PHP does, and the answer is to an empty one."""
    keeps_tickets: bool = False
    """Our user may not delete any, as a Support Agent may not."""
    sent: int = 0
    """Bytes of all answers."""
    _ids: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, itop_class: str, **values: Any) -> int:
        """Put an object there, as if it had always been."""
        with self._lock:
            self._ids += 1
            made = {"finalclass": itop_class, "id": self._ids, **values}
            if itop_class in LIVES:
                ref = f"{PREFIX.get(itop_class, 'C')}-{self._ids:06d}"
                # Every new dict: an object's logs are its own.
                made = {"status": "new", "ref": ref, "last_update": self.at, **_blank(), **made}
            self.objects[self._ids] = made
            return self._ids

    def answer(self, said: dict[str, Any]) -> dict[str, Any]:
        """Return what an operation answers."""
        verbs = {
            "core/get": self._get,
            "core/create": self._create,
            "core/update": self._update,
            "core/apply_stimulus": self._stimulate,
            "core/delete": self._delete,
        }
        operation = said.get("operation")
        self.calls.append(said)
        if operation not in verbs:
            raise Refusal(11, f"Error: Unknown verb '{operation}'")
        if operation != "core/get":
            if "comment" not in said:
                raise Refusal(100, "Error: Missing parameter 'comment'")
            self.comments.append(said["comment"])
        if said.get("class") not in (*LIVES, *ABSTRACT, *OTHERS, *self._classes()):
            raise Refusal(100, f"Error: class: '{said.get('class')}' is not a valid class'")
        if self.closed and operation != "core/get":
            doing = "creating" if operation == "core/create" else "modifying"
            raise Refusal(1, DENIED.format(doing, said["class"]))
        return verbs[operation](said)

    def _gap(self) -> None:
        time.sleep(self.gap_s)
        if self.all_read is not None:
            self.all_read.wait(PATIENCE_SECONDS)

    def _classes(self) -> set[str]:
        return {one["finalclass"] for one in self.objects.values()}

    def _get(self, said: dict[str, Any]) -> dict[str, Any]:
        hits = self._hits(said["class"], said["key"])
        limit, page = int(said.get("limit", 0)), int(said.get("page", 1))
        if page < 1:
            raise Refusal(13, "The request page number is not valid. It must be >= 1")
        shown = hits[(page - 1) * limit : page * limit] if limit else hits
        if any(one["id"] in self.unreadable for one in shown) and "_log" in said["output_fields"]:
            raise MemoryError
        return self._said(shown, said, "", f"Found: {len(hits)}")

    def _create(self, said: dict[str, Any]) -> dict[str, Any]:
        values = said["fields"]
        # No caller, service or organization is looked at beyond its being there.
        missing = [name for name in ("org_id", "title", "description") if not values.get(name)]
        if missing and said["class"] in LIVES:
            text = ", ".join(
                f"{UNFIT[self.language]} '{one}' ({one}) : Null not allowed" for one in missing
            )
            raise Refusal(100, f"Error: {text}")
        made = self.objects[self.add(said["class"])]
        self._set(made, values)
        return self._said([made], said, "created")

    def _update(self, said: dict[str, Any]) -> dict[str, Any]:
        # Neither the state nor rights nor who else writes is looked at: not even `status` is.
        kept = self._one(said)
        found = _copy(kept)
        self._gap()
        self._set(found, said["fields"])
        self._keep(found, said["fields"])
        return self._said([found], said, "updated")

    def _stimulate(self, said: dict[str, Any]) -> dict[str, Any]:
        found = _copy(self._one(said))
        life = LIVES[found["finalclass"]].get(found["status"], {})
        stimulus = said["stimulus"]
        if stimulus not in life:
            raise Refusal(
                100,
                f"Invalid stimulus: '{stimulus}' on the object {found['ref']}"
                f" in state '{found['status']}'",
            )
        self._gap()
        self._set(found, said["fields"])
        missing = [
            one for one in demanded(found["finalclass"], life[stimulus]) if not found.get(one)
        ]
        if missing:
            names = ", ".join(missing)
            raise Refusal(
                100, f"Missing mandatory attribute(s) for applying the stimulus: {names}."
            )
        found["status"] = life[stimulus]
        self.stimuli.append((found["id"], stimulus))
        self._keep(found, {"status": "", **said["fields"]})
        return self._said([found], said, "updated")

    def _delete(self, said: dict[str, Any]) -> dict[str, Any]:
        if self.keeps_tickets and said["class"] in LIVES:
            raise Refusal(
                1,
                "The current user does not have enough permissions for deleting data of class"
                f" {said['class']}",
            )
        hits = self._hits(said["class"], said["key"])
        for one in hits:
            del self.objects[one["id"]]
        return self._said(hits, said, "", f"Deleted: {len(hits)}")

    def _said(
        self,
        hits: list[dict[str, Any]],
        said: dict[str, Any],
        each: str,
        message: str | None = None,
    ) -> dict[str, Any]:
        names = said.get("output_fields", "id").split(",")
        for one in hits:
            for name in names:
                if name not in one and name.startswith("no_such"):
                    raise Refusal(100, "Error: output_fields: invalid attribute code")
        objects = {
            f"{one['finalclass']}::{one['id']}": {
                "code": 0,
                "message": each,
                "class": one["finalclass"],
                "key": str(one["id"]),
                "fields": {name: _shown(self._read(one, name)) for name in names},
            }
            for one in hits
        }
        return {"code": 0, "message": message, "objects": objects or None}

    def _read(self, one: dict[str, Any], name: str) -> Any:
        if name == "operational_status":
            return {"resolved": "resolved", "closed": "closed"}.get(
                one.get("status", ""), "ongoing"
            )
        if name.isdigit():
            # A number of the query's own.
            return name
        if name not in NAMED:
            return one.get(name, "")
        key, attribute = NAMED[name]
        return self.objects.get(int(one.get(key) or 0), {}).get(attribute, "")

    def _set(self, found: dict[str, Any], values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name in LOGS:
                found[name] = {"entries": [*found[name]["entries"], _entry(value)]}
            elif name in HTML and found["finalclass"] in LIVES:
                found[name] = sanitised(str(value))
                if len(found[name].encode()) > COLUMN:
                    raise Refusal(1406, TOO_LONG.format(name))
            elif name == "title" and len(value) > 255:
                said = f"{UNFIT[self.language]} 'Titel' (title) : String too long"
                raise Refusal(100, f"Error: {said}: issues = {{0=>{said}}}, class = Incident")
            else:
                # A link set is replaced as a whole, like any value.
                found[name] = value

    def _keep(self, found: dict[str, Any], written: dict[str, Any]) -> None:
        # Only what was written is stored: writes to different attributes leave each other alone.
        with self._lock:
            stored = self.objects[found["id"]]
            if any(stored.get(name) != found[name] for name in written):
                stored["last_update"] = self.at
            stored.update({name: found[name] for name in written})

    def _one(self, said: dict[str, Any]) -> dict[str, Any]:
        hits = self._hits(said["class"], said["key"])
        if len(hits) != 1:
            raise Refusal(100, f"Error: Invalid object {said['class']}::{said['key']}")
        return hits[0]

    def _hits(self, itop_class: str, key: Any) -> list[dict[str, Any]]:
        if isinstance(key, dict):
            asked = [(name, "=", str(value)) for name, value in key.items()]
        elif str(key).isdigit():
            asked = [("id", "=", str(key))]
        else:
            itop_class, asked = _parsed(self._spoken(str(key)))
        return [
            one
            for one in list(self.objects.values())
            if _is_a(one["finalclass"], itop_class)
            and all(_holds(self._read(one, name), sign, value) for name, sign, value in asked)
        ]

    def _spoken(self, query: str) -> str:
        """Return a query with what iTop itself puts into it: who asks."""
        said = query.replace(":current_contact_id", str(self.contact))
        return said.replace(":current_user->id", USER_ID)


def _parsed(text: str) -> tuple[str, list[tuple[str, str, str]]]:
    # The class within the query wins over the one beside it, as it does in iTop.
    query = _QUERY.fullmatch(text)
    terms = re.split(r" AND (?=\w+\s*(?:[<>=!]|LIKE|IN))", query[2]) if query and query[2] else []
    matches = [_TERM.fullmatch(term.strip()) for term in terms]
    if query is None or None in matches:
        raise Refusal(100, f"Error: Query failed to execute: query = {text}")
    read = [(one[1], one[2], one[4] or re.sub(r"\\(.)", r"\1", one[3])) for one in matches if one]
    return query[1], read


def _holds(has: Any, sign: str, value: str) -> bool:
    if sign == "LIKE":
        return bool(re.fullmatch(".*".join(map(re.escape, value.split("%"))), str(has), re.DOTALL))
    if sign == "IN":
        return str(has) in re.split(r"\D+", value)
    number = isinstance(has, int)
    mine: Any = has if number else str(has)
    theirs: Any = int(value) if number and value.isdigit() else value
    if type(mine) is not type(theirs):
        return False
    signs = {"=": mine == theirs, "!=": mine != theirs, ">": mine > theirs, "<": mine < theirs}
    return bool(signs.get(sign, signs["="] or (mine > theirs if sign == ">=" else mine < theirs)))


def _is_a(final: str, asked: str) -> bool:
    return (
        final == asked
        or (asked == "Ticket" and (final in LIVES or final.endswith("Change")))
        or (asked == "Change" and final.endswith("Change"))
        or (asked == "FunctionalCI" and final == "Server")
    )


def sanitised(said: str) -> str:
    """Return what iTop keeps of an HTML: from what is no tag of its own on, nothing."""
    kept = re.split(r"<(?!/?(?:p|br|b|i|u|ul|ol|li|div|span|pre|code|a)[\s/>])", said)[0]
    return kept if kept.startswith("<p>") else f"<p>{kept}</p>"


def _blank() -> dict[str, Any]:
    return {name: {"entries": []} for name in LOGS} | {"team_id": "0", "agent_id": "0"}


def _copy(one: dict[str, Any]) -> dict[str, Any]:
    return dict(one)


def _entry(value: Any) -> dict[str, str]:
    item = value["add_item"] if isinstance(value, dict) else {"message": value}
    # Whoever writes may date it as he likes.
    return {
        "date": item.get("date", _NOW),
        "user_login": "ethops",
        "user_id": USER_ID,
        "message": item["message"],
        "message_html": item["message"],
    }


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


@contextmanager
def served(itop: Itop) -> Iterator[Itop]:
    """Serve the fake on loopback until the block is left."""
    handler = type("Handler", (_Handler,), {"itop": itop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    itop.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield itop
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    itop: Itop

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        sent = self.rfile.read(length).decode()
        form = parse_qs(sent if length <= self.itop.largest else "")
        fault = self.itop.faults.pop(0) if self.itop.faults else None
        asked = json.loads(form.get("json_data", ["{}"])[0] or "{}") if self.itop.broken else {}
        if str(asked.get("key")) in self.itop.broken:
            fault = "empty_500"
        undone = {"html": (200, b"<p>iTop: An error occurred</p>"), "empty_500": (500, b"")}
        undone["hung_up"] = (200, HUNG_UP)
        if fault in undone:
            status, page = undone[fault]
            self._send(status, page, "text/html")
            return
        try:
            body = json.dumps(self._answered(form)).encode()
        except MemoryError:
            # PHP's memory_limit: its error page is empty.
            self._send(500, b"", "text/html")
            return
        if fault == "done_then_cut":
            self.close_connection = True
        elif fault == "full":
            self._send(413, b"<h1>413 Request Entity Too Large</h1>", "text/html")
        elif fault == "noisy":
            self._send(200, NOISE + body, "text/html")
        elif fault == "no_object":
            self._send(200, b'{"code": 0, "message": null, "objects": null}')
        elif fault == "half":
            self._send(200, body[: len(body) // 2])
        elif fault in ("slow", "drip"):
            self._drip(body, silent=fault == "slow")
        else:
            self._send(200, body)

    def _answered(self, form: dict[str, list[str]]) -> dict[str, Any]:
        if not self._is_known(form):
            return {"code": 1, "message": "Error: Invalid login"}
        if "version" not in form:
            return {"code": 2, "message": "Error: Missing parameter 'version'"}
        try:
            said = json.loads(form["json_data"][0])
        except ValueError:
            return {"code": 4, "message": "Error: Invalid JSON"}
        try:
            if said.get("operation") == "core/create" and said.get("class") in ABSTRACT:
                raise Refusal(100, "Error: abstract")
            return self.itop.answer(said)
        except Refusal as refusal:
            return {"code": refusal.code, "message": str(refusal), "objects": None}

    def _is_known(self, form: dict[str, list[str]]) -> bool:
        login = (form.get("auth_user", [""])[0], form.get("auth_pwd", [""])[0])
        token = self.headers.get("Auth-Token") == TOKEN and not self.itop.without_tokens
        return token or login == USER

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.itop.sent += len(body)

    def _drip(self, body: bytes, *, silent: bool) -> None:
        # Until the other side gives up, or half a minute is over.
        ends = time.monotonic() + 30
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 1000))
            self.end_headers()
            while time.monotonic() < ends:
                time.sleep(0.05)
                self.wfile.write(b"" if silent else b" ")
                if silent and self.connection.recv(1) == b"":
                    return
        except OSError:
            return

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the test's output."""
