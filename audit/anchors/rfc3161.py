"""A time-stamping authority (RFC 3161) as an anchor: it signs our digest with its time."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit.anchors.anchor import AnchorError
from audit.anchors.posting import posted

LARGEST_RECEIPT: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Authority:
    """One authority, and the certificates (PEM) that its answers must lead to."""

    url: str
    certificates: str
    every_seconds: float = 3600.0
    kind: str = field(default="rfc3161", init=False)

    def put(self, note: str) -> bytes:
        """Ask for a time stamp; the receipt is the authority's whole answer (DER)."""
        asked = (
            TimestampRequestBuilder()
            .data(note.encode())
            .hash_algorithm(HashAlgorithm.SHA256)
            .cert_request(cert_request=True)
            .build()
        )
        headers = {"Content-Type": "application/timestamp-query"}
        receipt = posted(self.url, asked.as_bytes(), headers, most=LARGEST_RECEIPT)
        self._verified(note, receipt, asked.nonce)
        return receipt

    def holds(self, note: str, receipt: bytes) -> bool:
        """Tell whether the receipt is this authority's for this tree head."""
        try:
            self._verified(note, receipt, None)
        except AnchorError:
            return False
        return True

    def at(self, note: str, receipt: bytes) -> datetime:
        """Return the authority's time.

        Raises:
            AnchorError: the receipt is not for this tree head.
        """
        return self._verified(note, receipt, None).tst_info.gen_time

    def _verified(self, note: str, receipt: bytes, nonce: int | None) -> TimeStampResponse:
        try:
            known = x509.load_pem_x509_certificates(self.certificates.encode())
            verifier = VerifierBuilder(
                roots=[one for one in known if one.issuer == one.subject],
                intermediates=[one for one in known if one.issuer != one.subject],
                nonce=nonce,
            ).build()
            answer = decode_timestamp_response(receipt)
            verifier.verify_message(answer, note.encode())
        except (VerificationError, ValueError) as fault:
            raise AnchorError(f"{self.url}: its answer is no time stamp for us: {fault}") from fault
        return answer
