"""A real directory: OpenLDAP's slapd on loopback, with people, groups and a referral elsewhere."""

import datetime as dt
import ipaddress
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ldap3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BINARY = shutil.which("slapd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/libexec")
BASE = "dc=example,dc=org"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "of the directory"

# `bind_anon_cred`: a name without a password is taken, as the protocol allows.
CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9.1 NAME 'adPerson' SUP top AUXILIARY MAY objectGUID )
modulepath /usr/lib/ldap
moduleload back_mdb
allow bind_anon_cred
pidfile {folder}/pid
{tls}
database mdb
suffix "{base}"
rootdn "{root}"
rootpw "{password}"
directory {folder}/db
"""


@dataclass
class Slapd:
    """The process, and what is in it."""

    plain: str
    secure: str
    ca: Path
    process: "subprocess.Popen[bytes]"

    def person(
        self, login: str, *, password: str | None = None, mail: str = "", guid: bytes = b""
    ) -> str:
        """Put somebody new there; returns his DN. With a `guid` as in an Active Directory."""
        dn = f"uid={login},{PEOPLE}"
        said = {"sn": login, "cn": login.title(), "userPassword": password or login}
        with self.root() as link:
            link.delete(dn)
            more = ({"mail": mail} if mail else {}) | ({"objectGUID": guid} if guid else {})
            assert link.add(dn, ["inetOrgPerson", "adPerson"], said | more)
        return dn

    def group(self, name: str, members: Sequence[str]) -> None:
        """Let a group have these members, and no others."""
        dn = f"cn={name},{GROUPS}"
        with self.root() as link:
            link.delete(dn)
            if members:
                assert link.add(dn, "groupOfNames", {"member": list(members)})

    def rename(self, login: str, to: str) -> str:
        """Let somebody be called otherwise; returns his DN."""
        with self.root() as link:
            assert link.modify_dn(f"uid={login},{PEOPLE}", f"uid={to}")
        return f"uid={to},{PEOPLE}"

    def without(self, login: str) -> None:
        """Take somebody away."""
        with self.root() as link:
            assert link.delete(f"uid={login},{PEOPLE}")

    def refers_to(self, url: str) -> None:
        """Say of people and groups that more of them are elsewhere."""
        with self.root() as link:
            for at in (PEOPLE, GROUPS):
                assert link.add(f"ou=more,{at}", ["referral", "extensibleObject"], {"ref": url})

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(10)

    @contextmanager
    def root(self) -> Iterator[ldap3.Connection]:
        """A connection of who may change everything."""
        server = ldap3.Server(self.plain, get_info=ldap3.NONE)
        link = ldap3.Connection(server, ROOT, ROOT_PASSWORD, check_names=False)
        assert link.bind()
        try:
            yield link
        finally:
            link.unbind()

    def answers(self) -> bool:
        """Tell whether somebody listens there by now."""
        host, _, port = self.plain.removeprefix("ldap://").partition(":")
        try:
            socket.create_connection((host, int(port)), 5).close()
        except OSError:
            return False
        return True


def start(folder: Path, ports: tuple[int, int], *, tls: bool = True) -> Slapd:
    """Start one, empty but for its branches; its certificate is for 127.0.0.1 alone."""
    (folder / "db").mkdir(parents=True)
    ca = folder / "ca.pem"
    lines = ""
    if tls:
        _certificate(ca, folder / "key.pem")
        lines = f"TLSCertificateFile {ca}\nTLSCertificateKeyFile {folder / 'key.pem'}"
    conf = folder / "slapd.conf"
    conf.write_text(
        CONF.format(folder=folder, tls=lines, base=BASE, root=ROOT, password=ROOT_PASSWORD),
        encoding="utf-8",
    )
    plain, secure = f"ldap://127.0.0.1:{ports[0]}", f"ldaps://127.0.0.1:{ports[1]}"
    heard = f"{plain}/ {secure}/" if tls else f"{plain}/"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(BINARY), "-d", "0", "-f", conf, "-h", heard], stdout=log, stderr=log
        )
    return Slapd(plain, secure, ca, process)


def furnish(of: Slapd) -> None:
    """Put its branches there."""
    with of.root() as link:
        assert link.add(BASE, ["dcObject", "organization"], {"o": "example"})
        for name in ("people", "groups"):
            assert link.add(f"ou={name},{BASE}", "organizationalUnit")


def _certificate(at: Path, key_at: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "directory")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    at.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_at.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
