"""A table of CIs, one in each row, made into the values and lines of declarations."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from adapters.declared import Fault
from adapters.json_value import JSON
from adapters.yaml_tree import Loc

MOST_BYTES: Final = 8 * 1024 * 1024
DELIMITERS: Final = (",", ";", "\t")
ATTRIBUTE: Final = "attributes."
TEXTS: Final = frozenset({"ref", "name", "class", "host"})
NUMBERS: Final = frozenset({"impact", "urgency"})
FLAGS: Final = frozenset({"user_facing", "lifeline"})
COLUMNS: Final = TEXTS | NUMBERS | FLAGS
WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Loaded = tuple[JSON, dict[Loc, int], list[Fault]]


class _CellError(Exception):
    """A cell that does not say what its column means."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


def load(path: Path) -> Loaded:
    """Return the rows as declared values, where each stands, and all that is wrong with them."""
    file, lines, faults = str(path), dict[Loc, int](), list[Fault]()
    try:
        raw = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
        text = None if raw is None else raw.decode("utf-8-sig")
    except OSError as error:
        why = error.strerror or "not readable"
        return {}, lines, [Fault(file, 1, f"Cannot be read: {why}.", "Put a readable file there.")]
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return {}, lines, [Fault(file, line, "Not UTF-8 text.", "Save the table as UTF-8.")]
    if text is None:
        what = f"Larger than {MOST_BYTES} bytes."
        return {}, lines, [Fault(file, 1, what, "Split the table, and import each under a name.")]
    cis: list[JSON] = []
    header: list[str] = []
    try:
        for number, row in _rows(text):
            if number == 1:
                header = [cell.strip() for cell in row]
                faults += _header_faults(file, header)
                if faults:
                    break
                continue
            lines["cis", len(cis)] = number
            value, wrong = _row(header, row)
            faults += [Fault(file, number, one.what, one.mend) for one in wrong]
            cis.append(value)
    except csv.Error as error:
        faults.append(Fault(file, 1, f"Not a table: {error}.", "Save it as CSV."))
    if not lines and not faults and not text.strip():
        faults.append(Fault(file, 1, "The file is empty.", "Give it a header and a row per CI."))
    return {"cis": cis}, lines, faults


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty, with the line it begins in; the header is line 1."""
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    for row in table:
        if begins == 1 or any(cell.strip() for cell in row):
            yield begins, row
        begins = table.line_num + 1


def _header_faults(file: str, header: list[str]) -> Iterator[Fault]:
    known = ", ".join(sorted(COLUMNS))
    for name in sorted({one for one in header if header.count(one) > 1}):
        yield Fault(file, 1, f"The column {name!r} stands there twice.", "Take one away.")
    for name in header:
        if name not in COLUMNS and not name.startswith(ATTRIBUTE):
            mend = f"Name it `{ATTRIBUTE}NAME`, or one of {known}."
            yield Fault(file, 1, f"There is no column {name!r}.", mend)
    for name in ("ref", "name", "class"):
        if name not in header:
            yield Fault(file, 1, f"There is no column `{name}`.", "Add it; each row needs one.")


def _row(header: list[str], row: list[str]) -> tuple[JSON, list[_CellError]]:
    """Return the row's declaration; an empty cell says nothing."""
    wrong: list[_CellError] = []
    value: dict[str, JSON] = {}
    attributes: dict[str, JSON] = {}
    if len(row) != len(header):
        what = f"{len(row)} cells stand under {len(header)} columns."
        wrong.append(_CellError(what, "Put a cell that holds the delimiter in quotes."))
    for name, cell in zip(header, (one.strip() for one in row), strict=False):
        if not cell:
            continue
        try:
            if name.startswith(ATTRIBUTE):
                attributes[name.removeprefix(ATTRIBUTE)] = _attribute(name, cell)
            else:
                value[name] = READ[name](name, cell)
        except _CellError as error:
            wrong.append(error)
    return (value | {"attributes": attributes} if attributes else value), wrong


def _attribute(name: str, cell: str) -> JSON:
    """Return the text, or what it holds as JSON where it is a list or a mapping."""
    if cell[0] not in "[{":
        return cell
    try:
        read: JSON = json.loads(cell)
    except ValueError as error:
        raise _CellError(
            f"`{name}` begins like JSON and is none.", 'Write ["a", "b"], or plain text.'
        ) from error
    return read


def _number(name: str, cell: str) -> JSON:
    if not cell.isascii() or not cell.isdecimal():
        raise _CellError(f"`{name}` is {cell[:40]!r}.", "Write 1, 2 or 3.")
    return int(cell[:9])


def _flag(name: str, cell: str) -> JSON:
    if cell.lower() not in WORDS:
        raise _CellError(f"`{name}` is {cell[:40]!r}.", "Write true or false.")
    return WORDS[cell.lower()]


def _text(name: str, cell: str) -> JSON:
    del name
    return cell


READ: Final[Mapping[str, Callable[[str, str], JSON]]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(FLAGS, _flag),
}
