"""What iTop's answers mean: nearly all come with HTTP 200, and most with one code."""

import re
from collections.abc import Callable
from typing import Final

from adapters.tickets.errors import TicketError


class ItopError(TicketError):
    """The base of what goes wrong between us and an iTop, and whatever it says that we do not know.

    `sent` tells that the request may have been carried out: a write is then looked for before it is
    tried again.
    """

    code = "tickets.itop"
    hint = "The message is iTop's own; its log/error.log may say more."
    sent = False


class ItopUnreachableError(ItopError):
    """No connection, so nothing was sent."""

    code = "tickets.itop_unreachable"
    hint = "Is iTop's web server running, and does the address name it?"


class ItopUnclearError(ItopError):
    """The request went out, and what came back does not say what became of it."""

    code = "tickets.itop_unclear"
    hint = "Read the ticket before writing again: the write may have been done."
    sent = True


class ItopLoginError(ItopError):
    """iTop does not know this token or password, or its user may not use REST."""

    code = "tickets.itop_login"
    hint = (
        "The user needs the profile REST Services User, and the token the scope REST/JSON. An iTop"
        " without the module authent-token has no tokens: set ETHOPS_ITOP_USER, and in"
        " ETHOPS_ITOP_TOKEN that user's password."
    )


class ItopRightError(ItopError):
    """The user may not do this to objects of this class."""

    code = "tickets.itop_right"
    hint = "Give the user a profile that may, or leave it to somebody who has one."


class ItopReadOnlyError(ItopError):
    """It takes no write of any ticket from our user: what was to be told waits."""

    code = "tickets.itop_read_only"
    hint = (
        "Is iTop being maintained (access_mode in its configuration), or has our user lost his"
        " profiles? It says the same of both."
    )


class ItopTooLargeError(ItopError):
    """The request is larger than what iTop takes: PHP drops or dies of it, MySQL hangs up."""

    code = "tickets.itop_too_large"
    hint = (
        "Raise PHP's post_max_size (8 MiB by itself) and memory_limit, MySQL's max_allowed_packet"
        " and the web server's limit, or send less."
    )


class ItopValueError(ItopError):
    """A value is refused, or one is missing; `fields` are those that iTop names."""

    code = "tickets.itop_value"
    hint = "See the message for the attribute; a site's own model may demand more than iTop's."

    def __init__(self, said: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(said)
        self.fields = fields


class ItopStimulusError(ItopError):
    """The state has no such stimulus, or no class has."""

    code = "tickets.itop_stimulus"
    hint = "Read the ticket again: somebody may have moved it."


class ItopGoneError(ItopError):
    """There is no such object, or it is hidden by the user's allowed organizations."""

    code = "tickets.itop_gone"
    hint = "Look whether the user may see the object's organization."


class ItopAmbiguousError(ItopError):
    """What should name one object names several, or none."""

    code = "tickets.itop_ambiguous"
    hint = "Names are not unique in iTop: name the object by its id."


class ItopQueryError(ItopError):
    """A query, class, operation or output field is none that this iTop has."""

    code = "tickets.itop_query"
    hint = "Has this site changed its data model?"


class ItopBusyError(ItopError):
    """Another process has been writing to this ticket for too long."""

    code = "tickets.itop_busy"
    hint = "Nothing was done: try again with the same key."


class ItopHeldError(ItopError):
    """Others would have to be deleted or changed by hand before this one is deleted."""

    code = "tickets.itop_held"
    hint = "iTop's own page for deleting it lists them."


class ItopModelError(ItopError):
    """A file is no data model of iTop's, or one that harms whoever reads it."""

    code = "tickets.itop_model"
    hint = "iTop's own is data/datamodel-production.xml; its toolkit writes it."


class ItopUnsetError(ItopError):
    """A setting is missing that iTop needs."""

    code = "tickets.itop_unset"
    hint = "The settings of iTop stand in docs/reference/settings.md."


_PARENTHESES: Final = re.compile(r"\((\w+)\)[^(){}:]{0,12}: ")
_MISSING: Final = re.compile(r"applying the stimulus: ([\w, ]+)")
_LEADING: Final = re.compile(r"Error: (\w+): ")


def _named(pattern: re.Pattern[str]) -> Callable[[str], ItopError]:
    def made(said: str) -> ItopError:
        names = [name for found in pattern.findall(said) for name in re.split(r",\s*", found)]
        return ItopValueError(said, tuple(dict.fromkeys(names)))

    return made


_SAYINGS: Final[tuple[tuple[re.Pattern[str], Callable[[str], ItopError]], ...]] = (
    (re.compile(r"Error: Invalid object \w+::\d+"), ItopGoneError),
    (re.compile(r"Invalid stimulus: "), ItopStimulusError),
    (re.compile(r"Missing mandatory attribute\(s\) for applying "), _named(_MISSING)),
    (re.compile(r"Error: Unexpected value for attribute "), _named(_PARENTHESES)),
    (re.compile(r"Error: Query failed to execute"), ItopQueryError),
    (re.compile(r"Error: class: "), ItopQueryError),
    (re.compile(r"Error: output_fields: "), ItopQueryError),
    (re.compile(r"Error: \w+: (?:No item|Several items) found"), ItopAmbiguousError),
    (re.compile(r"Error: \w+: "), _named(_LEADING)),
    # In the language of our user: (attribute), and what is wrong with it.
    (re.compile(r"Error: .*?" + _PARENTHESES.pattern, re.DOTALL), _named(_PARENTHESES)),
)
"""How the message of code 100 begins -> what it means; the first that fits."""

_SQL: Final = "Error: Failed to issue SQL query"
_MYSQL: Final = 1000
"""The codes from here on are MySQL's own numbers, iTop's are below; 2006 is: it has hung up."""
_UNFIT: Final = frozenset({1048, 1264, 1265, 1292, 1366, 1406, 3988})
"""MySQL's numbers for a value that no column holds; any other is of its database, not of ours."""
_TOO_LARGE: Final = 1153

_CODES: Final[dict[int, type[ItopError]]] = {
    2: ItopQueryError,
    3: ItopQueryError,
    4: ItopQueryError,
    5: ItopLoginError,
    6: ItopLoginError,
    10: ItopQueryError,
    11: ItopQueryError,
    12: ItopHeldError,
    13: ItopQueryError,
}


def meaning(code: int, said: str) -> ItopError:
    """Return the error that a code other than 0 and its message mean."""
    if code >= _MYSQL or said.startswith(_SQL):
        return _of_database(code, said)
    if code == 1:
        enough = "does not have enough permissions" in said
        return ItopRightError(said) if enough else ItopLoginError(said)
    if code in _CODES:
        return _CODES[code](said)
    for begins, made in _SAYINGS:
        if begins.match(said):
            return made(said)
    return ItopError(f"iTop answered with code {code}: {said}")


def _of_database(code: int, said: str) -> ItopError:
    """Return what MySQL's own refusal means; the query, with every text in it, is left out."""
    _, _, end = said.rpartition("mysql_errno = ")
    given, _, why = end.partition(", mysql_error = ")
    number = int(given) if code < _MYSQL and given.isdecimal() else code
    fault = f"Its database refuses it: {why[:300] or 'it does not say why'} ({number})"
    if number == _TOO_LARGE:
        return ItopTooLargeError(fault)
    return ItopValueError(fault) if number in _UNFIT else ItopUnclearError(fault)
