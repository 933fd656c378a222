"""What a directory says by LDAP: who somebody is, that he knows his password, and his groups.

ldap3 has the protocol. What we make sure of is that nobody on the way reads a password, that none
is empty (a directory takes that for somebody unknown, and lets him in), that a name is a name in a
filter, that nobody is sent elsewhere by a referral, and that nobody waits.
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from ethops.logins import conf
from ethops.logins.declared import Directory
from ethops.logins.doors import ID
from ethops.logins.errors import DirectoryAwayError, NoIdError

PATIENCE_SECONDS: Final = 5
SUCCESS: Final = 0
TRY_LATER: Final = frozenset({1, 2, 3, 51, 52, 80})
"""Result codes (RFC 4511, appendix A) that say nothing about a password."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One person there."""

    dn: str
    subject: str
    """Who he is, whatever he is called: `id=` and an id that lasts; his name where none is."""
    login: str
    mail: str
    name: str
    groups: frozenset[str]
    """Those that were asked about."""


def proven(directory: Directory, login: str, password: str, asked: Iterable[str]) -> Entry | None:
    """Return who has this name and this password; None where nobody has.

    Raises:
        DirectoryAwayError: it does not answer, or not as it should.
    """
    entry = find(directory, login, asked) if password else None
    if entry is None or not entry.dn:
        return None
    with _Line(directory) as line:
        said = line.bind(entry.dn, password)
    if said in TRY_LATER:
        raise DirectoryAwayError(f"The directory could not look at a password (code {said}).")
    return entry if said == SUCCESS else None


def find(directory: Directory, login: str, asked: Iterable[str]) -> Entry | None:
    """Return who has this name, and which of these groups he is in; None where nobody is there.

    Raises:
        DirectoryAwayError: it does not answer, or not as it should.
    """
    return _found(directory, _equal(directory.login, login), login, asked)


def again(directory: Directory, subject: str, asked: Iterable[str]) -> Entry | None:
    """Return who this is, whatever he is called by now; None where he is there no longer.

    Raises:
        DirectoryAwayError: it does not answer, or not as it should.
    """
    if not directory.id:
        return None
    return _found(directory, f"({directory.id}={_id_value(directory, subject)})", "", asked)


def _found(directory: Directory, called: str, login: str, asked: Iterable[str]) -> Entry | None:
    with _Line(directory) as line:
        if directory.bind_dn and line.bind(directory.bind_dn, _secret(directory)) != SUCCESS:
            raise DirectoryAwayError("The directory does not take our own name and password.")
        wanted = [directory.login, directory.mail, "cn", *([directory.id] if directory.id else [])]
        there = line.search(
            directory.people, f"(&{_equal('objectClass', directory.person_class)}{called})", wanted
        )
        # Two of one name are nobody; so is who is called so by the directory's rules alone.
        named = [one for one in there if _name(directory, one, login)]
        if len(there) != 1 or len(named) != 1:
            return None
        login = _name(directory, named[0], login)
        member = named[0]["dn"] if directory.member_is == "dn" else login
        groups = "".join(_equal(directory.group, name) for name in sorted(set(asked)))
        within = (
            line.search(
                directory.groups,
                f"(&{_equal(directory.member, member)}(|{groups}))",
                [directory.group],
            )
            if groups
            else []
        )
    return Entry(
        str(named[0]["dn"]),
        _subject(directory, named[0]) if directory.id else login,
        login,
        next(iter(_texts(named[0], directory.mail)), ""),
        next(iter(_texts(named[0], "cn")), ""),
        frozenset(text for one in within for text in _texts(one, directory.group)),
    )


class _Line:
    """One connection, private before anything is said on it; closed in any case."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.link: Any = None

    def __enter__(self) -> "_Line":
        parts = urlsplit(self.directory.url)
        secure = parts.scheme == "ldaps"
        try:
            server = ldap3.Server(
                parts.hostname,
                parts.port or (636 if secure else 389),
                use_ssl=secure,
                tls=self._tls(str(parts.hostname)),
                get_info=ldap3.NONE,
                connect_timeout=PATIENCE_SECONDS,
            )
            self.link = ldap3.Connection(
                server,
                authentication=ldap3.ANONYMOUS,
                auto_referrals=False,
                check_names=False,
                read_only=True,
                receive_timeout=PATIENCE_SECONDS,
            )
            self.link.open()
            private = secure or not self.directory.starttls or self.link.start_tls()
        except (LDAPException, OSError, ValueError) as fault:
            self.close()
            raise DirectoryAwayError("The directory does not answer.") from fault
        if not private:
            self.close()
            raise DirectoryAwayError("The directory speaks no TLS.")
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def bind(self, dn: str, password: str) -> int:
        """Say who we are; returns the code of the answer."""
        # As bytes: nothing of it is changed on the way, nor can it come to nothing.
        said = password.encode()
        if not said:
            raise DirectoryAwayError("No password was given.")
        try:
            self.link.authentication = ldap3.SIMPLE
            self.link.user, self.link.password = dn, said
            self.link.bind()
            return int(self.link.result["result"])
        except (LDAPException, OSError) as fault:
            raise DirectoryAwayError("The directory does not answer.") from fault

    def search(self, base: str, wanted: str, attributes: list[str]) -> list[dict[str, Any]]:
        """Return the entries; where the directory names another one, that is not asked."""
        try:
            self.link.search(base, wanted, attributes=attributes, time_limit=PATIENCE_SECONDS)
        except (LDAPException, OSError) as fault:
            raise DirectoryAwayError("The directory does not answer.") from fault
        said = self.link.result
        if said["result"] != SUCCESS:
            raise DirectoryAwayError(f"The directory does not search: {said['description']}.")
        return [one for one in self.link.response if one["type"] == "searchResEntry"]

    def close(self) -> None:
        """Hang up."""
        if self.link is None:
            return
        # Who does not answer need not be told.
        with suppress(LDAPException, OSError):
            self.link.unbind()
        if self.link.socket is not None:
            self.link.socket.close()

    def _tls(self, host: str) -> Any:
        ca = self.directory.ca_file
        return _Tls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_file=str(conf.path().parent / ca) if ca else None,
            sni=host,
        )


class _Tls(ldap3.Tls):  # type: ignore[misc]  # ships no types
    """TLS as Python has it: the library's own looks at names by itself, and waits for ever."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's
        """Make the connection private, with whom it was meant for."""
        del do_handshake
        connection.socket.settimeout(PATIENCE_SECONDS)
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname=self.sni, do_handshake_on_connect=False
        )
        connection.socket.do_handshake()


def _name(directory: Directory, entry: dict[str, Any], login: str) -> str:
    """Return what somebody is called: that name where it is one of his, his first where none is."""
    names = [one.casefold() for one in _texts(entry, directory.login)]
    return next((one for one in names if one == login or not login), "")


def _subject(directory: Directory, entry: dict[str, Any]) -> str:
    for name, values in entry["raw_attributes"].items():
        if name.casefold() == directory.id.casefold() and values:
            raw = bytes(values[0])
            said = raw.hex() if _is_binary(directory) else raw.decode(errors="replace")
            if ID.fullmatch(f"id={said}"):
                return f"id={said}"
    raise NoIdError(f"The directory does not say {directory.id} of people.")


def _id_value(directory: Directory, subject: str) -> str:
    """Return an id as a filter has it."""
    said = subject.removeprefix("id=")
    if not _is_binary(directory):
        return str(escape_filter_chars(said))
    try:
        return "".join(f"\\{one:02x}" for one in bytes.fromhex(said))
    except ValueError:
        # Kept when another attribute was declared: nobody is called so here.
        return str(escape_filter_chars(said))


def _is_binary(directory: Directory) -> bool:
    """Tell whether the id is bytes, as in an Active Directory."""
    return directory.id.casefold() == "objectguid"


def _secret(directory: Directory) -> str:
    try:
        return conf.secret(directory)
    except OSError as fault:
        raise DirectoryAwayError("The secret that the directory knows is not there.") from fault


def _equal(attribute: str, value: str) -> str:
    return f"({attribute}={escape_filter_chars(value)})"


def _texts(entry: dict[str, Any], attribute: str) -> list[str]:
    # Names of attributes have no case, and an answer may choose its own.
    for name, values in entry["attributes"].items():
        if name.casefold() == attribute.casefold():
            listed = values if isinstance(values, list) else [values]
            return [one for one in listed if isinstance(one, str) and one]
    return []
