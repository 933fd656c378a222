"""The declared file `ledger.yaml`: who signs our tree heads, and how many before acting."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from cryptography import x509
from django.db import transaction
from pydantic import Field

from adapters import declared
from adapters.declared import Declaration, Fault, Read
from audit.errors import NoteError
from audit.ledger.notes import Key, Kind
from audit.models import Witness, Witnessing
from personas import conf
from personas.errors import BadDeclarationError

Administrator = Annotated[str, Field(min_length=1, max_length=200)]
PushTo = Annotated[str, Field(pattern=r"^(https?://[!-~]+|/\P{C}+)$", max_length=1000)]
Url = Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=500)]


class WitnessDocument(Declaration):
    """One witness: the word it printed when it started, where it answers, and who runs it."""

    vkey: str = Field(max_length=500)
    url: Url
    administrator: Administrator

    @property
    def name(self) -> str:
        """The name that stands in its key."""
        return self.vkey.partition("+")[0]


class GitDocument(Declaration):
    """A git repository that gets a commit with each tree head."""

    repository: str = Field(pattern=r"^/\P{C}+$", max_length=1000)
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9][\w-]*([./][\w-]+)*$", max_length=100)
    push: PushTo | None = None
    every_seconds: int = Field(default=60, ge=1)


class TimestampDocument(Declaration):
    """An authority of RFC 3161, and the certificates that its answers must lead to."""

    url: Url
    certificates: str
    every_seconds: int = Field(default=3600, ge=1)


class OpenTimestampsDocument(Declaration):
    """Calendars of OpenTimestamps."""

    calendars: Annotated[tuple[Url, ...], Field(min_length=1, max_length=8)]
    every_seconds: int = Field(default=3600, ge=1)


class AnchorsDocument(Declaration):
    """Further places that keep the digest of a tree head."""

    git: GitDocument | None = None
    rfc3161: TimestampDocument | None = None
    opentimestamps: OpenTimestampsDocument | None = None


class LedgerDocument(Declaration):
    """The whole file."""

    administrator: Administrator
    """Who runs this ethops: a witness of the same one counts as none."""
    quorum: int | None = Field(default=None, ge=0, le=16)
    """So many independent administrators must have signed; 1 unless said, where there is one."""
    witnesses: Annotated[tuple[WitnessDocument, ...], Field(max_length=16)] = ()
    anchors: AnchorsDocument = AnchorsDocument()

    @property
    def independent(self) -> set[str]:
        """The administrators that count."""
        return {same(one.administrator) for one in self.witnesses} - {same(self.administrator)}

    @property
    def asked_for(self) -> int:
        """The quorum in force."""
        return min(1, len(self.independent)) if self.quorum is None else self.quorum


def same(administrator: str) -> str:
    """Return one spelling per administrator."""
    return administrator.strip().lower()


def read(path: Path) -> Read[LedgerDocument]:
    """Read the file; faults name keys that cannot be used and quorums that cannot be reached."""
    found = declared.read(path, LedgerDocument)
    if found.value is None:
        return found
    faults = (*_faults(found, found.value), *_of_certificates(found, found.value))
    return Read(found.file, None, faults, found.lines) if faults else found


def _faults(found: Read[LedgerDocument], said: LedgerDocument) -> Iterator[Fault]:
    names = Counter(one.name for one in said.witnesses)
    publics = Counter(_public(one.vkey) for one in said.witnesses)
    for n, one in enumerate(said.witnesses):
        place = ("witnesses", n, "vkey")
        if not _public(one.vkey):
            yield found.fault(
                place,
                f"{one.name} is not the key of a witness.",
                "Paste the word that the witness printed as its vkey.",
            )
        elif names[one.name] > 1 or publics[_public(one.vkey)] > 1:
            yield found.fault(
                place, f"{one.name} is there twice.", "Give each witness a name and key of its own."
            )
    if said.asked_for > len(said.independent):
        yield found.fault(
            ("quorum",),
            f"A quorum of {said.asked_for} is never reached by {len(said.independent)}"
            " independent administrators.",
            "Declare more witnesses of others, or ask for fewer.",
        )


def _of_certificates(found: Read[LedgerDocument], said: LedgerDocument) -> Iterator[Fault]:
    tsa = said.anchors.rfc3161
    if tsa is None:
        return
    try:
        x509.load_pem_x509_certificates(_pem(found.file, tsa).encode())
    except (OSError, ValueError) as fault:
        yield found.fault(
            ("anchors", "rfc3161", "certificates"),
            f"{tsa.certificates} holds no certificates ({fault}).",
            "Name the PEM file with the root that the authority's answers lead to.",
        )


def _pem(file: str, tsa: TimestampDocument) -> str:
    return (Path(file).parent / tsa.certificates).read_text(encoding="ascii")


def _public(vkey: str) -> bytes:
    """Return the key in it; nothing where it is no witness's."""
    try:
        key = Key.parse(vkey)
    except NoteError:
        return b""
    return key.public if key.kind is Kind.COSIGNATURE else b""


@transaction.atomic
def load() -> list[str]:
    """Make the rows equal to the file, as the owner; returns what changed, one line each.

    A witness that is no longer declared counts no more, and what it signed stays.

    Raises:
        BadDeclarationError: the file has a fault; nothing was changed.
    """
    path = conf.ledger_file()
    if path is None:
        return _apply(Witnessing(id=1, administrator="", quorum=0, anchors={}), ())
    found = read(path)
    if found.value is None:
        raise BadDeclarationError("; ".join(str(fault) for fault in found.faults))
    said = found.value
    anchors = said.anchors.model_dump(exclude_none=True, mode="json")
    if said.anchors.rfc3161 is not None:
        # Whoever anchors need not be able to read our files.
        anchors["rfc3161"]["certificates"] = _pem(found.file, said.anchors.rfc3161)
    wanted = Witnessing(
        id=1,
        administrator=said.administrator.strip(),
        quorum=said.asked_for,
        anchors=anchors,
    )
    return _apply(wanted, said.witnesses)


def _apply(wanted: Witnessing, witnesses: tuple[WitnessDocument, ...]) -> list[str]:
    changed = [line for one in witnesses if (line := _witness(one))]
    gone = Witness.objects.filter(enabled=True).exclude(name__in=[one.name for one in witnesses])
    changed += [f"retired witness {one.name}" for one in gone]
    gone.update(enabled=False)
    row = Witnessing.objects.get(id=1)
    for name in ("administrator", "quorum", "anchors"):
        value = getattr(wanted, name)
        if getattr(row, name) != value:
            setattr(row, name, value)
            shown = sorted(value) if isinstance(value, dict) else value
            changed.append(f"ledger: {name} is {shown}")
    row.save()
    return changed


def _witness(one: WitnessDocument) -> str:
    values: Mapping[str, Any] = {
        "vkey": one.vkey,
        "url": one.url,
        "administrator": one.administrator.strip(),
        "enabled": True,
    }
    old = Witness.objects.filter(name=one.name).first()
    if old is not None and all(getattr(old, name) == value for name, value in values.items()):
        return ""
    # Another key has signed nothing yet.
    fresh = {} if old is not None and old.vkey == one.vkey else {"size": 0, "state": "new"}
    Witness.objects.update_or_create(name=one.name, defaults={**values, **fresh, "said": ""})
    return f"{'added' if old is None else 'changed'} witness {one.name} of {one.administrator}"
