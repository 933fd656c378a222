"""The executor's settings, typed."""

from dataclasses import dataclass
from pathlib import Path

from adapters import conf as adapters_conf
from ethops import conf as house_conf
from personas import conf as personas_conf


@dataclass(frozen=True, slots=True)
class Executor:
    """What the executor may know of the environment."""

    state: Path
    """The stack's folder; plays lie below it."""
    playbooks: Path
    """The folder of the catalogue."""
    lease_seconds: int
    """How long a claimed effect stays claimed without a sign of life."""
    notify: str
    """Where the environment says that people are told; empty leaves it to the site file."""
    smtp_url: str
    """The mail server for notices by mail."""
    mail_from: str
    """Whom mail comes from, and answers go to."""
    url: str
    """How people reach the desk, for links in what is sent."""
    site: Path | None
    """The site file, which may name a target for notices."""

    @property
    def stop_file(self) -> Path:
        """While this file exists nothing acts, whatever else still works."""
        return self.state / "STOP"

    @property
    def plays(self) -> Path:
        """One folder per play, named by its action."""
        return self.state / "plays"

    @property
    def commands(self) -> Path:
        """One folder per command, named by its action."""
        return self.state / "commands"


def executor() -> Executor:
    """The settings as they are now; tests may override them."""
    house = house_conf.house()
    return Executor(
        state=house.state,
        playbooks=personas_conf.playbooks_folder(),
        lease_seconds=house.lease_seconds,
        notify=house.notify,
        smtp_url=house.smtp_url,
        mail_from=house.mail_from,
        url=house.url,
        site=adapters_conf.site_path(),
    )
