"""The safeguards of the CIS Controls v8.1, implementation group 1, in our own words. Pure.

The numbers are theirs; what stands beside them is our short reading and replaces no official text.
"""

from collections.abc import Mapping
from typing import Final

from adapters.compliance.port import Mode, Safeguard

CIS: Final = "cis-8.1-ig1"

COUNTS: Final[Mapping[int, int]] = {
    1: 2, 2: 3, 3: 6, 4: 7, 5: 4, 6: 5, 7: 4, 8: 3, 9: 2, 10: 3, 11: 4, 12: 1, 14: 8, 15: 1, 17: 3,
}  # fmt: skip
"""Control -> how many of its safeguards are in the group; 13, 16 and 18 have none."""

_MACHINE: Final[Mapping[str, str]] = {
    "1.1": "Every machine is on one list, and the list is kept true",
    "1.2": "A machine that is on no list is followed up within the week",
    "2.1": "Every program that is installed is known, and where",
    "2.2": "Only programs that somebody still mends are in use",
    "2.3": "A program nobody allowed goes, or is allowed in writing",
    "3.3": "Who may read or change data follows from need",
    "3.4": "Data stays as long as was decided, and no longer",
    "3.6": "Disks of devices that people work at are encrypted",
    "4.2": "Network equipment is set up as was decided",
    "4.3": "A session that nobody uses locks itself",
    "4.4": "Every server filters what comes in from the network",
    "4.5": "Every device that people work at filters what comes in",
    "4.6": "Machines are administered over encrypted ways alone",
    "4.7": "Accounts that a product brings along are shut or taken over",
    "5.1": "Every account is on a list that somebody goes through",
    "5.2": "No password serves twice, and none is short",
    "5.3": "An account that was idle for 45 days is shut",
    "5.4": "Administering is done from accounts that do nothing else",
    "6.3": "What is open to the outside asks for a second factor",
    "6.4": "Coming in from outside takes a second factor",
    "6.5": "Administering takes a second factor",
    "7.3": "Operating systems are mended by themselves, monthly at least",
    "7.4": "Applications are mended by themselves, monthly at least",
    "8.2": "Machines log what happens on them, and that is gathered",
    "8.3": "There is room for the logs that are to be kept",
    "9.1": "Only browsers and mail programs that somebody still mends are in use",
    "9.2": "Names of places known to be bad lead nowhere",
    "10.1": "Every machine is looked through for malicious programs",
    "10.2": "Whatever looks for them renews what it knows by itself",
    "10.3": "Nothing runs merely because a medium was plugged in",
    "11.2": "What matters is copied by itself",
    "11.3": "Copies are guarded as well as what was copied",
    "11.4": "One copy lies where whoever holds the rest cannot reach it",
    "12.1": "Network equipment runs software that somebody still mends",
}
_TICKET: Final[Mapping[str, str]] = {
    "3.5": "What held data is wiped before it leaves",
    "6.1": "Access is given in one agreed way",
    "6.2": "Access is taken away in one agreed way, at once when somebody leaves",
    "7.2": "Weaknesses are mended in an agreed order, looked over monthly",
}
_DOCUMENT: Final[Mapping[str, str]] = {
    "3.1": "It is written down how data is handled from first to last",
    "3.2": "It is written down which data there is, and how much it matters",
    "4.1": "It is written down how machines and programs are set up safely",
    "7.1": "It is written down how weaknesses are found and weighed",
    "8.1": "It is written down what is logged, how long it stays and who reads it",
    "11.1": "It is written down what is brought back first, and how",
    "15.1": "Every provider is on a list, with who here answers for him",
    "17.1": "One person leads when something happened, and another stands in",
    "17.2": "Whom to tell when something happened is written down and true",
    "17.3": "Everybody has one written way to say that something happened",
}
_PERSON: Final[Mapping[str, str]] = {
    "14.1": "Everybody is taught on coming, and again each year",
    "14.2": "Everybody learns how deceivers work",
    "14.3": "Everybody learns how to log in safely",
    "14.4": "Everybody learns how data is to be treated",
    "14.5": "Everybody learns how data gets out by mistake",
    "14.6": "Everybody learns to notice that something happened, and to say so",
    "14.7": "Everybody learns to notice what was not mended, and to say so",
    "14.8": "Everybody learns what a network of strangers may do",
}
_BY_MODE: Final[Mapping[Mode, Mapping[str, str]]] = {
    "machine": _MACHINE, "ticket": _TICKET, "document": _DOCUMENT, "person": _PERSON,
}  # fmt: skip


def number(identity: str) -> tuple[int, int]:
    """Return where a safeguard stands among the others."""
    control, _, place = identity.partition(".")
    return int(control), int(place)


IG1: Final[Mapping[str, Safeguard]] = {
    one.id: one
    for one in sorted(
        (
            Safeguard(identity, number(identity)[0], title, mode)
            for mode, titles in _BY_MODE.items()
            for identity, title in titles.items()
        ),
        key=lambda one: number(one.id),
    )
}
"""All of them by id, in order."""

FRAMEWORKS: Final[Mapping[str, Mapping[str, Safeguard]]] = {CIS: IG1}
"""Framework -> its safeguards by id."""
