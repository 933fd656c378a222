"""What is declared of cards, read as one: the cards, their profile, the slots that they serve."""

from dataclasses import dataclass

from adapters.declared import Fault
from gpu import conf
from gpu.cards import CardsFile, declared_cards, served, strangers
from gpu.errors import BadProfileError
from gpu.profile import Profile, SlotDocument, read_profile


@dataclass(frozen=True, slots=True)
class Declared:
    """The cards with their profile, whose faults matter to nobody where there is no card."""

    file: str
    cards: CardsFile
    profile: Profile | None

    @property
    def slots(self) -> tuple[SlotDocument, ...]:
        """The slots that some card serves; the profile's own where there is no card."""
        if self.profile is None:
            return ()
        return served(self.profile, self.cards) if self.cards.cards else self.profile.slots


def read() -> Declared | tuple[Fault, ...]:
    """Return what the settings name, or all that is wrong with it."""
    found = declared_cards(conf.cards_file(), conf.ollama_host(), conf.profile(), conf.server())
    if found.value is None:
        return found.faults
    profile = read_profile(found.value.profile)
    if found.value.cards:
        faults = strangers(profile.value, found) if profile.value else profile.faults
        if faults:
            return faults
    return Declared(found.file, found.value, profile.value)


def read_or_refuse() -> Declared:
    """Return what the settings name.

    Raises:
        BadProfileError: it has faults; the text names file, line and mend of each.
    """
    found = read()
    if isinstance(found, Declared):
        return found
    raise BadProfileError("; ".join(map(str, found)))
