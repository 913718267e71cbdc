"""ACME as a node uses it: which domains it wants a certificate for, and an authority that gives one.

No authority on the Internet is asked: the simulator is one itself, and finds every domain to be in order.
"""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.errors import ApiError
from simulator.formats import split_list
from simulator.propstring import split
from simulator.records import Node
from simulator.state import Datacenter

STANDALONE = "standalone"
_DOMAINS = 6
_VALID = datetime.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What a node's configuration says: the account, and by domain the plugin that proves that it is ours."""

    account: str
    domains: dict[str, str]


def settings_of(datacenter: Datacenter, node: Node) -> NodeSettings:
    """Read the settings, or refuse those that contradict each other."""
    acme = split(node.config.get("acme", ""), None)
    domains, origin = dict[str, str](), dict[str, str]()
    for text in split_list(acme.get("domains", "")):
        if text.lower() in domains:
            raise ApiError(f"duplicate domain '{text.lower()}' in ACME config properties")
        domains[text.lower()], origin[text.lower()] = STANDALONE, "acme"
    for key in (f"acmedomain{number}" for number in range(_DOMAINS)):
        if key not in node.config:
            continue
        entry = split(node.config[key], "domain")
        domain, plugin = entry["domain"].lower(), entry.get("plugin", STANDALONE)
        if domain in domains:
            raise ApiError(f"duplicate domain '{domain}' in ACME config properties '{key}' and '{origin[domain]}'")
        if plugin != STANDALONE and plugin not in datacenter.acme_plugins:
            raise ApiError(f"plugin '{plugin}' for domain '{domain}' not found!")
        domains[domain], origin[domain] = plugin, key
    return NodeSettings(acme.get("account", "default"), domains)


def issue(domains: list[str], now: float) -> tuple[str, str]:
    """Return a certificate for domains, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = ec.generate_private_key(ec.SECP256R1())
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domains[0])]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated ACME CA")]))
        .public_key(key.public_key())
        .serial_number(secrets.randbits(64))
        .not_valid_before(moment)
        .not_valid_after(moment + _VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain) for domain in domains]), critical=False)
        .sign(authority, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()
