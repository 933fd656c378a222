"""A world of hosts, permits and what hosts saw of our keys, made from a seed: true and planted.

Every host has its own clock, up to 25 s wrong, and lives through episodes with quiet times between.
An episode is one permit or several that overlap, each with its logins; a planted mismatch is a use
or a permit for which nothing else in the world accounts.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.telemetry.port import Key, Observer, Use
from ethops.desk.key_use import Mismatch, Permit, World

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
SKEW_S = 30
KINDS: tuple[Mismatch, ...] = (
    "retired_key",
    "foreign_key",
    "wrong_host",
    "outside_window",
    "no_permit",
    "foreign_account",
    "foreign_address",
    "unnamed_command",
    "outlived",
    "no_session",
)


def fingerprint(letter: str) -> str:
    return "SHA256:" + letter * 43


OURS, AUTHORITY, RETIRED, STRANGE = (fingerprint(letter) for letter in "OART")
KEYS = (
    Key(
        "executor",
        OURS,
        ("ethops", "deploy"),
        ("10.9.0.0/24", "fd00::/64"),
        authority=False,
        retired_at=None,
    ),
    Key("signer", AUTHORITY, ("ethops",), (), authority=True, retired_at=None),
    Key("former", RETIRED, ("ethops",), (), authority=False, retired_at=BEGIN - timedelta(days=9)),
)
NAMED = r"/bin/sh -c 'echo BECOME-SUCCESS-[a-z]{32} ; /usr/bin/python3'"
COMMAND = f"/bin/sh -c 'echo BECOME-SUCCESS-{'x' * 32} ; /usr/bin/python3'"


@dataclass
class Story:
    """What was made: the world, its uses, and what of them is a planted mismatch."""

    world: World
    uses: list[Use]
    planted: dict[str, Mismatch]
    """Subject -> the kind that was planted."""

    @property
    def logins(self) -> dict[str, list[Use]]:
        found: dict[str, list[Use]] = defaultdict(list)
        for use in self.uses:
            if use.kind == "login" and use.granted:
                found[use.host].append(use)
        return found


def lines(story: Story) -> dict[str, list[str]]:
    """Return what the hosts of a story wrote into their logs, among other things, in order."""
    written: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for use in story.uses:
        program = "sshd" if use.kind == "login" else "sudo"
        written[use.host].append((use.at, f"{program}[{use.session}]: {message(use)}"))
        written[use.host].append((use.at, "CRON[9]: pam_unix(cron:session): session opened"))
        if use.ended_at is not None:
            by_pid = f"sshd[{use.session}]: pam_unix(sshd:session): session closed for user "
            by_port = f"sshd[7]: Disconnected from user {use.account} {use.address} port {use.port}"
            said = f"{by_pid}{use.account}" if use.port % 2 else by_port
            written[use.host].append((use.ended_at, said))
    return {
        host: [f"{at.isoformat()} {host} {said}" for at, said in sorted(pairs)]
        for host, pairs in written.items()
    }


def message(use: Use) -> str:
    """Return what sshd or sudo says of a use."""
    if use.kind == "elevation":
        return f"{use.account:>9} : PWD=/ ; USER={use.run_as} ; COMMAND={use.command}"
    key = f": ED25519 {use.fingerprint}" if use.fingerprint else ""
    if use.authority:
        key = f": ED25519-CERT {use.fingerprint} ID ci (serial 3) CA ED25519 {use.authority}"
    word = "Accepted" if use.granted else "Failed"
    return f"{word} {use.method} for {use.account} from {use.address} port {use.port} ssh2{key}"


@dataclass
class Maker:
    """Writes one host's history forward in time."""

    dice: random.Random
    begin: datetime
    uses: list[Use] = field(default_factory=list)
    permits: dict[str, list[Permit]] = field(default_factory=lambda: defaultdict(list))
    planted: dict[str, Mismatch] = field(default_factory=dict)
    host: str = ""
    account: str = "ethops"
    off: timedelta = timedelta(0)
    now: datetime = BEGIN

    def settle_on(self, number: int) -> None:
        """Begin a new host."""
        self.host, self.now = f"host-{number:03}", self.begin + self.span(0, 3600)
        self.account = self.dice.choice(["ethops", "ethops", "deploy"])
        self.off = self.span(-25, 25)

    def span(self, least: float, most: float) -> timedelta:
        return timedelta(seconds=round(self.dice.uniform(least, most), 3))

    def permit(self, begin: datetime, seconds: float, *, shows: bool = True) -> Permit:
        made = Permit(
            id=UUID(int=self.dice.getrandbits(128), version=4),
            ticket_ref="INC-1",
            ci=f"ci-{self.host}",
            host=self.host,
            account=self.account,
            begin=begin,
            end=begin + timedelta(seconds=seconds),
            is_remote=True,
            shows=shows,
            commands=(NAMED,) if self.dice.random() < 0.6 else None,
        )
        self.permits[self.host].append(made)
        return made

    def use(self, at: datetime, **values: object) -> Use:
        """Note what the host's clock made of a moment; it was read within the next minute."""
        seen = at + self.span(0.1, 60)
        address = self.dice.choice(["10.9.0.5", "10.9.0.77", "fd00::7"])
        common = {
            "kind": "login", "host": self.host, "account": self.account, "granted": True,
            "at": at + self.off, "after": seen - self.span(60, 90), "seen_at": seen,
            "session": str(self.dice.randrange(300, 4_000_000)), "method": "publickey",
            "fingerprint": OURS, "authority": "", "address": address,
            "port": self.dice.randrange(1024, 65_536), "run_as": "", "command": "",
            "ended_at": None, "line": "",
        }  # fmt: skip
        made = Use(id=len(self.uses) + 1, **{**common, **values})  # type: ignore[arg-type]
        self.uses.append(made)
        return made

    def login(self, at: datetime, seconds: float | None, **values: object) -> Use:
        ended = None if seconds is None else at + timedelta(seconds=seconds) + self.off
        return self.use(at, ended_at=ended, **values)

    def sudo(self, at: datetime, command: str = COMMAND, **values: object) -> Use:
        fields = {"kind": "elevation", "method": "", "fingerprint": "", "address": "", "port": 0}
        return self.use(at, **{**fields, "run_as": "root", "command": command, **values})

    @property
    def end(self) -> datetime:
        """When the last permit of this host ended."""
        return max(permit.end or self.now for permit in self.permits[self.host])

    def within(self, permit: Permit) -> datetime:
        assert permit.end
        return permit.begin + self.dice.random() * (permit.end - permit.begin)

    # ------------------------------------------------------------ what is true
    def episode(self) -> Permit:
        """One permit or up to three that overlap, each with its logins; returns the first."""
        first = None
        for _ in range(self.dice.choice([1, 1, 1, 2, 3])):
            seconds = self.dice.choice([0.3, 2, 8, 40, 600])
            permit = self.permit(self.now, seconds)
            self._act(permit)
            first = first or permit
            self.now += timedelta(seconds=seconds * self.dice.random())
        self.now = self.end
        self._linger()
        assert first
        return first

    def _act(self, permit: Permit) -> None:
        kind = {"fingerprint": OURS}
        if self.account == "ethops" and self.dice.random() < 0.3:
            kind = {"fingerprint": STRANGE, "authority": AUTHORITY}
        for _ in range(self.dice.randint(1, 3)):
            self.login(self.within(permit), self.dice.choice([0.2, 1, 5]), **kind)
        if self.dice.random() < 0.3:
            self.login(self.within(permit), None, granted=False)
        if self.dice.random() < 0.5:
            self.sudo(self.within(permit))

    def _linger(self) -> None:
        """A connection that ControlPersist keeps, and a play that uses it without a new login."""
        if self.dice.random() < 0.2:
            begun = self.now - timedelta(seconds=0.1)
            self.login(begun, self.dice.uniform(1, 600))
        if self.dice.random() < 0.1:
            self.login(self.now - timedelta(seconds=0.1), 400)
            self.permit(self.now + timedelta(seconds=90), 30)
            self.now += timedelta(seconds=400)

    def failed(self) -> None:
        """A play that never reached its host, so that nothing was seen."""
        self.permit(self.now, 5, shows=False)
        self.now += timedelta(seconds=5)

    def clock_astray(self) -> None:
        """A host's clock is an hour wrong for a while: only when lines came says when it was."""
        permit = self.permit(self.now, 20)
        was, self.off = self.off, self.dice.choice([timedelta(hours=1), timedelta(hours=-3)])
        self.login(self.within(permit), 2)
        self.off = was
        self.now += timedelta(seconds=20)

    def quiet(self, least: float = 300, most: float = 5000) -> None:
        self.now += self.span(least, most)

    # ------------------------------------------------------------ what is not
    def plant(self, kind: Mismatch) -> None:
        """One mismatch of this kind, with quiet around it."""
        self.quiet(600)
        made = getattr(self, f"_plant_{kind}")()
        self.quiet(3000, 8000)
        self.planted[made] = kind

    def _plant_no_permit(self) -> str:
        self.quiet(8000, 9000)
        seen = self.dice.choice([self.sudo, lambda at: self.login(at, 3)])(self.now)
        self.quiet(8000, 9000)
        return f"use:{seen.id}"

    def _plant_outside_window(self) -> str:
        permit = self.episode()
        assert permit.end
        at = self.now + self.span(70, 400)
        attempt = self.dice.random() < 0.2
        seen = self.login(at, None if attempt else 1, granted=not attempt)
        self.now = at
        return f"use:{seen.id}"

    def _plant_wrong_host(self) -> str:
        here = self.host
        self.host = f"{here}-b"
        self.permit(self.now, 50)
        self.login(self.now + timedelta(seconds=5), 2)
        self.host = here
        return f"use:{self.login(self.now + timedelta(seconds=25), 2).id}"

    def _plant_foreign_account(self) -> str:
        return self._in_window(account=self.dice.choice(["root", "backup", "nobody"]))

    def _plant_foreign_address(self) -> str:
        return self._in_window(address=self.dice.choice(["203.0.113.9", "fd01::9", "10.9.1.5"]))

    def _plant_retired_key(self) -> str:
        return self._in_window(fingerprint=RETIRED)

    def _plant_foreign_key(self) -> str:
        method = self.dice.choice(["publickey", "password"])
        return self._in_window(fingerprint=STRANGE if method == "publickey" else "", method=method)

    def _in_window(self, **values: object) -> str:
        permit = self.episode()
        return f"use:{self.login(self.within(permit), 0.5, **values).id}"

    def _plant_unnamed_command(self) -> str:
        before = len(self.permits[self.host])
        permit = self.episode()
        made = self.permits[self.host]
        made[before:] = [replace(one, commands=(NAMED,)) for one in made[before:]]
        command = self.dice.choice(["/usr/bin/id", f"{COMMAND} ; /bin/sh", "/bin/cat /etc/shadow"])
        return f"use:{self.sudo(self.within(permit), command).id}"

    def _plant_outlived(self) -> str:
        self.episode()
        # What the host's clock and ours may differ by is no time that a session outlived.
        seen = self.login(self.end, self.dice.uniform(1100, 1300))
        self.now = self.end
        self.quiet(1400, 1500)
        return f"end:{seen.id}"

    def _plant_no_session(self) -> str:
        return f"permit:{self.permit(self.now, self.dice.choice([1, 30, 300])).id}"


def make(
    seed: int,
    *,
    hosts: int = 50,
    plants: int = 1000,
    episodes: int = 40,
    astray: int = 2,
    begin: datetime = BEGIN,
) -> Story:
    """Make a world; plants are spread over hosts and kinds alike."""
    maker = Maker(random.Random(seed), begin)  # noqa: S311 - a world that can be made again
    todo = [KINDS[number % len(KINDS)] for number in range(plants)]
    maker.dice.shuffle(todo)
    for number in range(hosts):
        maker.settle_on(number)
        own = todo[number::hosts]
        steps = [*own, *["episode"] * episodes, *["failed"] * 3, *["clock_astray"] * astray]
        maker.dice.shuffle(steps)
        for step in steps:
            maker.quiet(1200)
            if step in KINDS:
                maker.plant(step)
            else:
                getattr(maker, step)()
    world = World(KEYS, _observers(maker), dict(maker.permits))
    return Story(world, maker.uses, maker.planted)


def _observers(maker: Maker) -> dict[str, Observer]:
    end = max(use.at for use in maker.uses) + timedelta(days=1)
    return {
        host: Observer(
            host=host, source="file", silent_after_s=3600, skew_s=SKEW_S,
            began_at=BEGIN - timedelta(days=1), read_at=end, heard_until=end, gap_from=None,
            gap_until=None, clock_off_at=None, fault="",
        )
        for host in maker.permits
    }  # fmt: skip
