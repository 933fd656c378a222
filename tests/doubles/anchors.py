"""A time-stamping authority, a calendar and a git server: each answers as the real one does."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import make_wsgi_chain

Answer = Callable[[str, bytes], tuple[int, bytes]]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Serve GET and POST requests on loopback; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            status, said = answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@contextmanager
def dripping(left: threading.Event) -> Iterator[str]:
    """Serve an answer byte by byte until the other side leaves; `left` says that it has."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "60000")
            self.end_headers()
            try:
                for _ in range(60_000):
                    self.wfile.write(b"x")
                    left.wait(0.02)
            except OSError:
                left.set()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


# ---------------------------------------------------------------- RFC 3161


class Tsa:
    """An authority with a root of its own."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at or datetime.now(UTC)
        self._root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in "ab")
        self._root = _certificate("root", "root", self._root_key, self._root_key, is_root=True)
        self._own = _certificate("tsa", "root", self._key, self._root_key, is_root=False)

    @property
    def roots(self) -> str:
        return self._root.public_bytes(Encoding.PEM).decode()

    def answer(self, _path: str, body: bytes) -> tuple[int, bytes]:
        asked = tsp.TimeStampReq.load(body)
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.2.3.4",
                "message_imprint": asked["message_imprint"],
                "serial_number": 7,
                "gen_time": self._at.replace(microsecond=0),
                "nonce": asked["nonce"],
            }
        )
        said = tsp.TimeStampResp(
            {"status": {"status": "granted"}, "time_stamp_token": self._token(info.dump())}
        )
        return 200, said.dump()

    def _token(self, info: bytes) -> cms.ContentInfo:
        own = asn1_x509.Certificate.load(self._own.public_bytes(Encoding.DER))
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        attributes = cms.CMSAttributes(
            [
                _attribute("content_type", "tst_info"),
                _attribute("message_digest", hashlib.sha256(info).digest()),
                _attribute(
                    "signing_certificate_v2",
                    tsp.SigningCertificateV2(
                        {"certs": [{"cert_hash": hashlib.sha256(own.dump()).digest()}]}
                    ),
                ),
            ]
        )
        signature = self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.IssuerAndSerialNumber(
                    {"issuer": own.issuer, "serial_number": own.serial_number}
                ),
                "digest_algorithm": sha256,
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": signature,
            }
        )
        return cms.ContentInfo(
            {
                "content_type": "signed_data",
                "content": cms.SignedData(
                    {
                        "version": "v3",
                        "digest_algorithms": [sha256],
                        "encap_content_info": {
                            "content_type": "tst_info",
                            "content": core.ParsableOctetString(info),
                        },
                        "certificates": [own],
                        "signer_infos": [signer],
                    }
                ),
            }
        )


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _certificate(
    name: str, issuer: str, key: Any, signing: Any, *, is_root: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    )
    if not is_root:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
    return builder.sign(signing, hashes.SHA256())


# ---------------------------------------------------------------- OpenTimestamps


def calendar(path: str, body: bytes) -> tuple[int, bytes]:
    """Promise as a calendar does: some operations, then the pending attestation."""
    if path != "/digest" or len(body) != 32:
        return 404, b""
    where = b"http://calendar.example"
    payload = bytes([len(where)]) + where
    prepend = b"\xf1\x04" + b"mark"
    promise = b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e" + bytes([len(payload)]) + payload
    return 200, prepend + b"\x08" + promise


# ---------------------------------------------------------------- git


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def git_server(repository: Path) -> Iterator[str]:
    """Serve one bare repository over HTTP; yields its address."""
    repo = Repo(str(repository))
    application = make_wsgi_chain(DictBackend(dict[bytes, BackendRepo]({b"/anchors.git": repo})))
    server = make_server("127.0.0.1", 0, application, _Threads, _Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/anchors.git"
    finally:
        server.shutdown()
        server.server_close()
        repo.close()
