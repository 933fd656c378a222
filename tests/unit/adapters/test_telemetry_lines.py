"""What sshd and sudo say, on Debian 12 and 13 and on RHEL, and what others make them say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telemetry.lines import Continued, Dropped, Elevation, End, Login, Said, understand
from adapters.telemetry.records import Record

OURS = "SHA256:" + "Ab3/" * 10 + "xYz"
CA = "SHA256:" + "c" * 43
MD5 = "MD5:" + ":".join(["0a"] * 16)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def said(program: str, message: str) -> Said | None:
    return understand(Record(AT, program, "4711", message, ""))


def login(
    account: str = "deploy",
    *,
    granted: bool = True,
    method: str = "publickey",
    fingerprint: str = OURS,
    authority: str = "",
    address: str = "10.9.0.5",
    port: int = 50022,
) -> Login:
    return Login(account, granted, method, fingerprint, authority, address, port)


SSHD = {
    f"Accepted publickey for deploy from 10.9.0.5 port 50022 ssh2: ED25519 {OURS}": login(),
    f"Accepted publickey for deploy from 10.9.0.5 port 50022 ssh2: RSA {OURS}": login(),
    f"Accepted publickey for deploy from 10.9.0.5 port 50022 ssh2: ECDSA-SK {OURS}": login(),
    f"Accepted publickey for deploy from 10.9.0.5 port 50022 ssh2: RSA {MD5}": login(
        fingerprint=MD5
    ),
    f"Accepted publickey for deploy from 2001:db8::5 port 50022 ssh2: ED25519 {OURS}": login(
        address="2001:db8::5"
    ),
    f"Accepted publickey for deploy from fe80::1%eth0 port 50022 ssh2: ED25519 {OURS}": login(
        address="fe80::1%eth0"
    ),
    f"Accepted publickey for deploy from UNKNOWN port 65535 ssh2: ED25519 {OURS}": login(
        address="UNKNOWN", port=65535
    ),
    f"Accepted publickey for EXAMPLE\\deploy from 10.9.0.5 port 50022 ssh2: RSA {OURS}": login(
        "EXAMPLE\\deploy"
    ),
    f"Accepted publickey for deploy from 10.9.0.5 port 50022 ssh2: ED25519-CERT {OURS} ID ci-7"
    f" (serial 12) CA ED25519 {CA}": login(authority=CA),
    # Whoever may have a certificate signed chooses its identity.
    f"Accepted publickey for deploy from 6.6.6.6 port 50022 ssh2: RSA-CERT {OURS} ID x (serial 1)"
    f" CA RSA {OURS} from 10.9.0.5 port 1 ssh2 (serial 2) CA ED25519 {CA}": login(
        address="6.6.6.6", authority=CA
    ),
    "Accepted password for deploy from 10.9.0.5 port 50022 ssh2": login(
        method="password", fingerprint=""
    ),
    "Accepted keyboard-interactive/pam for deploy from 10.9.0.5 port 50022 ssh2": login(
        method="keyboard-interactive/pam", fingerprint=""
    ),
    # Cut in the middle of the key: a login by key that does not say by which.
    "Accepted publickey for deploy from 10.9.0.5 port 50022 ssh2: ED25519 SHA256:Ab3": login(
        fingerprint=""
    ),
    f"Failed publickey for root from 10.9.0.5 port 50022 ssh2: ED25519 {OURS}": login(
        "root", granted=False
    ),
    f"Failed publickey for invalid user admin from 10.9.0.5 port 50022 ssh2: RSA {OURS}": login(
        "admin", granted=False
    ),
    "pam_unix(sshd:session): session closed for user deploy": End("deploy"),
    "Disconnected from user deploy 10.9.0.5 port 50022": End("deploy", "10.9.0.5", 50022),
    "Connection closed by user deploy fd00::7 port 50022 [postauth]": End(
        "deploy", "fd00::7", 50022
    ),
    # Names that play a line: no name of an account holds a space.
    f"Failed publickey for invalid user a from 10.9.0.5 port 1 ssh2: RSA {OURS} from 6.6.6.6"
    f" port 2 ssh2: RSA {CA}": None,
    f"Failed publickey for invalid user a b from 6.6.6.6 port 2 ssh2: RSA {OURS}": None,
    f"Invalid user Accepted publickey for deploy from 10.9.0.5 port 1 ssh2: RSA {OURS}": None,
    f"Invalid user x\\nAccepted publickey for deploy from 10.9.0.5 port 1 ssh2: RSA {OURS}"
    " from 6.6.6.6 port 2": None,
    "Failed password for deploy from 10.9.0.5 port 50022 ssh2": None,
    "pam_unix(sshd:session): session opened for user deploy(uid=1001) by deploy(uid=0)": None,
    "Connection closed by authenticating user root 6.6.6.6 port 33 [preauth]": None,
    "Disconnected from invalid user deploy 6.6.6.6 port 33 [preauth]": None,
    "Server listening on 0.0.0.0 port 22.": None,
    "": None,
}


@pytest.mark.parametrize("program", ["sshd", "sshd-session"])
@pytest.mark.parametrize(("message", "meant"), SSHD.items())
def test_what_sshd_says(program: str, message: str, meant: Said | None) -> None:
    assert said(program, message) == meant


def elevation(command: str, *, granted: bool = True, run_as: str = "root") -> Elevation:
    return Elevation("deploy", granted, run_as, command)


BECOME = "/bin/sh -c 'echo BECOME-SUCCESS-abc ; /usr/bin/python3'"
SUDO = {
    "   deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/id -u": elevation(
        "/usr/bin/id -u"
    ),
    f"deploy : PWD=/home/deploy ; USER=root ; COMMAND={BECOME}": elevation(BECOME),
    "deploy : TTY=unknown ; PWD=/ ; USER=app ; GROUP=adm ; ENV=A=1 ; COMMAND=/bin/ls": elevation(
        "/bin/ls", run_as="app"
    ),
    "deploy : HOST=web ; TTY=pts/0 ; PWD=/ ; USER=root ; TSID=00000A ; COMMAND=/bin/ls": elevation(
        "/bin/ls"
    ),
    "deploy : PWD=/ ; USER=root ; COMMAND=list": elevation("list"),
    "deploy : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls": elevation(
        "/bin/ls", granted=False
    ),
    "deploy : command not allowed ; PWD=/ ; USER=root ; COMMAND=/bin/su": elevation(
        "/bin/su", granted=False
    ),
    "deploy : 3 incorrect password attempts ; PWD=/ ; USER=root ; COMMAND=/bin/su": elevation(
        "/bin/su", granted=False
    ),
    "deploy : a password is required ; PWD=/ ; USER=root ; COMMAND=/bin/su": elevation(
        "/bin/su", granted=False
    ),
    # A folder that imitates a command, and an argument that does: the command only gets longer.
    "deploy : PWD=/x ; USER=root ; COMMAND=/bin/ok ; USER=root ; COMMAND=/bin/evil": elevation(
        "/bin/ok ; USER=root ; COMMAND=/bin/evil"
    ),
    "deploy : PWD=/ ; USER=root ; COMMAND=/bin/evil #012 ; COMMAND=/bin/ok": elevation(
        "/bin/evil #012 ; COMMAND=/bin/ok"
    ),
    "deploy : (command continued) --more of it": Continued("deploy", "--more of it"),
    "pam_unix(sudo:session): session opened for user root(uid=0) by deploy(uid=1001)": None,
    "pam_unix(sudo:auth): authentication failure; logname= uid=1001 user=deploy": None,
    "deploy : problem with defaults entries": None,
}


@pytest.mark.parametrize(("message", "meant"), SUDO.items())
def test_what_sudo_says(message: str, meant: Said | None) -> None:
    assert said("sudo", message) == meant


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("systemd-journald", "Suppressed 321 messages from ssh.service"),
        ("rsyslogd", "imuxsock[pid 9]: begin to drop messages due to rate-limiting"),
        ("rsyslogd", "imjournal: 16384 messages lost due to rate-limiting (20000 allowed)"),
    ],
)
def test_a_log_that_says_it_is_not_whole(program: str, message: str) -> None:
    assert said(program, message) == Dropped()
    assert said("sshd", message) is None


@pytest.mark.parametrize("program", ["ssh", "cron", "sshd2", "not really sshd", "su", ""])
def test_others_say_nothing(program: str) -> None:
    assert said(program, next(iter(SSHD))) is None


@given(st.text(max_size=300), st.sampled_from(["sshd", "sudo"]))
def test_any_message_is_borne(message: str, program: str) -> None:
    said(program, message)


@given(st.lists(st.sampled_from(["TTY=", "USER=", "PWD=", " ; ", "x", " : ", "ID ", "(serial 1)"])))
def test_a_line_that_repeats_itself_is_read_in_time(parts: list[str]) -> None:
    # A pattern that can be read in many ways would take forever here.
    said("sudo", "a : " + "".join(parts) * 300)
    said("sshd", f"Accepted publickey for a from b port 1 ssh2: RSA {OURS} " + "".join(parts) * 300)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n"), max_size=80))
def test_no_user_name_makes_a_refused_login_a_granted_one(name: str) -> None:
    for message in (
        f"Invalid user {name} from 6.6.6.6 port 22",
        f"Failed publickey for invalid user {name} from 6.6.6.6 port 22 ssh2: RSA {CA}",
        f"Failed password for invalid user {name} from 6.6.6.6 port 22 ssh2",
    ):
        found = said("sshd", message)
        assert not isinstance(found, Login) or (not found.granted and found.fingerprint == CA)
