"""The certificates of a node: the simulator's own, and one that somebody has put in its place.

A certificate of one's own is kept and shown as on a real node, but the simulator goes on answering with the one
that its clients were told to trust.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from simulator.errors import ApiError, unwritable
from simulator.formats import named_format
from simulator.records import File
from simulator.state import Datacenter

_LABEL = r"[A-Z0-9 ]+"
_BLOCK = r"-----BEGIN {0}-----\s*(?:[0-9A-Za-z+/]+\s*\n)*[0-9A-Za-z+/]*={{0,2}}\s*\n-----END {0}-----\s*"
_SHORT = {
    NameOID.COMMON_NAME: "CN", NameOID.ORGANIZATION_NAME: "O", NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C", NameOID.LOCALITY_NAME: "L", NameOID.STATE_OR_PROVINCE_NAME: "ST",
}  # fmt: skip
_NAME = "pveproxy-ssl"


def without_leading_text(text: str) -> str:
    """Return a PEM text from its first block on."""
    at = text.find("-----BEGIN ")
    return text[at:] if at > 0 else text


def _check_pem(text: str, pattern: str) -> None:
    if not re.fullmatch(pattern, without_leading_text(text)):
        raise ValueError("not a valid PEM-formatted string.\n")


@named_format("pem-certificate-chain")
def _certificate_chain(value: str) -> None:
    _check_pem(value, f"(?:{_BLOCK.format('CERTIFICATE')})+")


@named_format("pem-string")
def _pem(value: str) -> None:
    _check_pem(value, _BLOCK.format(_LABEL))


def _oneline(name: x509.Name) -> str:
    return "".join(f"/{_SHORT.get(part.oid, part.oid.dotted_string)}={part.value!s}" for part in name)


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [_address(name.value) if isinstance(name, x509.IPAddress) else str(name.value) for name in names]


def _address(value: Any) -> str:
    return value.exploded if isinstance(value, ipaddress.IPv6Address) else str(value)


def info(pem: str, filename: str) -> dict[str, Any]:
    """Return what a certificate says about itself; of a chain the first one counts."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    key = certificate.public_key()
    kind, bits = "unknown", 0
    if isinstance(key, rsa.RSAPublicKey):
        kind, bits = "rsaEncryption", key.key_size
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind, bits = "id-ecPublicKey", key.key_size
    return {
        "filename": filename,
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        "subject": _oneline(certificate.subject),
        "issuer": _oneline(certificate.issuer),
        "notbefore": int(certificate.not_valid_before_utc.timestamp()),
        "notafter": int(certificate.not_valid_after_utc.timestamp()),
        "san": _alternative_names(certificate),
        "pem": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "public-key-type": kind,
        "public-key-bits": bits,
    }


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The certificate that somebody has given to a node."""

    datacenter: Datacenter
    node: str

    def _path(self, ending: str) -> str:
        return f"/etc/pve/nodes/{self.node}/{_NAME}.{ending}"

    def _text(self, ending: str) -> str | None:
        file = self.datacenter.files.get(f":{self._path(ending)}")
        return file.text if file is not None else None

    @property
    def pem(self) -> str | None:
        """Return the certificate, if there is one."""
        return self._text("pem")

    @property
    def has_key(self) -> bool:
        """Tell whether there is a key."""
        return self._text("key") is not None

    def put(self, pem: str, key: str | None, now: float, *, force: bool) -> dict[str, Any]:
        """Put a certificate in place, and return what it says."""
        if not force and self.pem is not None:
            raise ApiError("Custom certificate file exists but force flag is not set.")
        if not self.datacenter.quorate_on(self.node):
            raise ApiError(f"Setting certificate files failed - {unwritable(self._path('pem'))}")
        used = key if key is not None else self._text("key") or ""
        try:
            found = info(pem, f"{_NAME}.pem")
        except ValueError:
            text = f"unable to read certificate from '{self._path('pem')}'"
            raise ApiError(f"Setting certificate files failed - {text}") from None
        _check_key(pem, used)
        for ending, text in (("pem", pem), ("key", used)):
            self.datacenter.files.put(File(node="", path=self._path(ending), text=text, changed=now, mode=0o640))
        return found

    def remove(self) -> None:
        """Go back to the certificate of the node itself."""
        for ending in ("pem", "key"):
            self.datacenter.files.delete(f":{self._path(ending)}")


def _check_key(pem: str, key: str) -> None:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError):
        raise ApiError("Setting certificate files failed - Failed to load private key into SSL context") from None
    if _public(private.public_key()) != _public(certificate.public_key()):
        raise ApiError("Setting certificate files failed - Failed to validate private key and certificate")


def _public(key: Any) -> bytes:
    text: bytes = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return text


def all_of(datacenter: Datacenter, node: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what the authority's, the node's and the given certificate say; the first two are in a folder."""
    yield info((folder / "ca.pem").read_text(encoding="ascii"), "pve-root-ca.pem")
    yield info((folder / "server.pem").read_text(encoding="ascii"), "pve-ssl.pem")
    own = OwnCertificate(datacenter, node).pem
    if own is not None:
        yield info(own, f"{_NAME}.pem")
