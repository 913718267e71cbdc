"""The simulator's own certificate authority and its certificate for loopback, made at the first start."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VALID = datetime.timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are."""

    directory: Path

    @property
    def ca_file(self) -> Path:
        """Return the certificate that clients are to trust."""
        return self.directory / "ca.pem"

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of the server; make the certificates if they are not there yet."""
        chain, key = self.directory / "server.pem", self.directory / "server.key"
        if not (self.ca_file.exists() and chain.exists() and key.exists()):
            self._make(chain, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context

    def fingerprint(self) -> str:
        """Return the SHA-256 fingerprint of the server's certificate, as Proxmox writes it."""
        certificate = x509.load_pem_x509_certificate((self.directory / "server.pem").read_bytes())
        return certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def _make(self, chain: Path, key: Path) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        authority_key = ec.generate_private_key(ec.SECP256R1())
        server_key = ec.generate_private_key(ec.SECP256R1())
        authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Proxmox VE simulator CA")])
        server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        ca = (
            _builder(authority, authority, authority_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        leaf = (
            _builder(server, authority, server_key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(identifier, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_private(key, private.decode())
        chain.write_bytes(leaf.public_bytes(pem))
        self.ca_file.write_bytes(ca.public_bytes(pem))


def _usage(*, sign: bool) -> x509.KeyUsage:
    """Return the key usage of the authority (which signs certificates) or of the server."""
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=sign, crl_sign=sign, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _VALID)
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
