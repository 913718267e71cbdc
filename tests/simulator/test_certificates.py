"""Certificates of a node, by hand and by ACME; accounts and plugins."""

from __future__ import annotations

import datetime
import hashlib
import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.simulator.client import Client
from tests.simulator.node_bench import _started, data, ended, log_of, node, somebody

__all__ = ["_started", "node"]
CERTIFICATES = "/nodes/pve1/certificates"
ACME = "/cluster/acme"
ACCOUNT = {"contact": "me@example.test", "tos_url": "https://example.test/terms"}


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """A certificate and its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mine.example.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mine.example.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, private.decode()


def _info(node: Client) -> dict[str, dict[str, Any]]:
    return {row["filename"]: row for row in data(node.call("GET", f"{CERTIFICATES}/info"))}


def test_the_certificate_that_a_node_tells_of_is_the_one_that_it_uses(node: Client) -> None:
    address = node.url.removeprefix("https://").split(":")
    used = ssl.get_server_certificate((address[0], int(address[1])))
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(used)).hexdigest().upper()
    own = _info(node)["pve-ssl.pem"]
    assert own["fingerprint"].replace(":", "") == digest
    assert (own["subject"], own["public-key-type"], own["public-key-bits"]) == ("/CN=localhost", "id-ecPublicKey", 256)
    assert own["san"] == ["localhost", "127.0.0.1"]
    assert own["issuer"] == _info(node)["pve-root-ca.pem"]["subject"]


def test_a_certificate_of_ones_own_is_put_in_place_and_taken_away(node: Client, pair: tuple[str, str]) -> None:
    pem, key = pair
    path = f"{CERTIFICATES}/custom"
    found = data(node.call("POST", path, {"certificates": f"leading text\n{pem}", "key": key, "restart": 1}))
    assert (found["filename"], found["subject"]) == ("pveproxy-ssl.pem", "/CN=mine.example.test")
    assert _info(node)["pveproxy-ssl.pem"]["san"] == ["mine.example.test"]
    again = node.call("POST", path, {"certificates": pem, "key": key})
    assert again.reason == "Custom certificate file exists but force flag is not set."
    data(node.call("POST", path, {"certificates": pem, "force": 1}))
    data(node.call("DELETE", path))
    assert "pveproxy-ssl.pem" not in _info(node)


def test_a_certificate_needs_its_own_key(node: Client, pair: tuple[str, str]) -> None:
    pem, _ = pair
    path = f"{CERTIFICATES}/custom"
    without = node.call("POST", path, {"certificates": pem})
    assert without.body["errors"] == {"key": "Attempted to upload custom certificate without (existing) key."}
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    wrong = node.call("POST", path, {"certificates": pem, "key": other.decode()})
    assert wrong.reason.startswith("Setting certificate files failed - Failed to validate private key")
    assert "pveproxy-ssl.pem" not in _info(node)


def test_what_is_no_certificate_is_refused(node: Client) -> None:
    refused = node.call("POST", f"{CERTIFICATES}/custom", {"certificates": "nonsense", "key": "nonsense"})
    assert refused.body["errors"]["certificates"].startswith("invalid format - not a valid PEM-formatted string.")


def test_an_order_needs_domains_and_an_account(node: Client) -> None:
    path = f"{CERTIFICATES}/acme/certificate"
    refused = node.call("POST", path)
    assert (refused.status, refused.reason) == (400, "ACME domain list in node configuration is missing!")
    data(node.call("PUT", "/nodes/pve1/config", {"acmedomain0": "pve1.example.test"}))
    assert ended(node, node.call("POST", path)) == "ACME account config file 'default' does not exist."
    assert node.call("PUT", path).reason == (
        "No current (custom) certificate found, please order a new certificate!"
    )  # fmt: skip


def test_an_account_and_a_domain_give_a_certificate(node: Client) -> None:
    path = f"{CERTIFICATES}/acme/certificate"
    assert ended(node, node.call("POST", f"{ACME}/account", ACCOUNT, as_user=_root(node))) == "OK"
    data(node.call("POST", f"{ACME}/plugins", {"id": "cloud", "type": "dns", "api": "cf", "data": "QT1i"}))
    data(node.call("PUT", "/nodes/pve1/config", {"acmedomain0": "Pve1.example.test,plugin=cloud"}))
    order = node.call("POST", path)
    assert ":acmenewcert::" in data(order)
    assert ended(node, order) == "OK"
    assert "Status is 'valid', domain 'pve1.example.test' OK!" in log_of(node, order)
    first = _info(node)["pveproxy-ssl.pem"]
    assert first["san"] == ["pve1.example.test"]
    assert list(node.call("POST", path).body["errors"]) == ["force"]
    assert list(node.call("PUT", path).body["errors"]) == ["force"]
    assert ended(node, node.call("PUT", path, {"force": 1})) == "OK"
    assert _info(node)["pveproxy-ssl.pem"]["fingerprint"] != first["fingerprint"]
    assert ended(node, node.call("DELETE", path)) == "OK"
    assert "pveproxy-ssl.pem" not in _info(node)


def test_a_domain_needs_a_plugin_that_is_there(node: Client) -> None:
    refused = node.call("PUT", "/nodes/pve1/config", {"acmedomain0": "a.example.test,plugin=nope"})
    assert refused.reason == "plugin 'nope' for domain 'a.example.test' not found!"


def _root(node: Client) -> str:
    data(node.login("root@pam", node.password))
    return "root@pam"


def test_an_account_is_registered_changed_and_given_up(node: Client) -> None:
    root, path = _root(node), f"{ACME}/account"
    assert node.call("POST", path, ACCOUNT, as_user=somebody(node, "Sys.Modify")).status == 403
    assert ended(node, node.call("POST", path, {"name": "mine", **ACCOUNT}, as_user=root)) == "OK"
    twice = node.call("POST", path, {"name": "mine", **ACCOUNT}, as_user=root)
    assert twice.body["errors"] == {"name": "ACME account config file 'mine' already exists."}
    assert data(node.call("GET", path)) == [{"name": "mine"}]
    account = data(node.call("GET", f"{path}/mine", as_user=root))
    assert account["account"]["contact"] == ["mailto:me@example.test"]
    assert account["directory"] == "https://acme-v02.api.letsencrypt.org/directory"
    changed = node.call("PUT", f"{path}/mine", {"contact": "you@example.test"}, as_user=root)
    assert ":acmeupdate::" in data(changed)
    assert ":acmerefresh::" in data(node.call("PUT", f"{path}/mine", as_user=root))
    account = data(node.call("GET", f"{path}/mine", as_user=root))
    assert account["account"]["contact"] == ["mailto:you@example.test"]
    assert ":acmedeactivate::" in data(node.call("DELETE", f"{path}/mine", as_user=root))
    gone = node.call("GET", f"{path}/mine", as_user=root)
    assert gone.body["errors"] == {"name": "ACME account config file 'mine' does not exist."}


def test_who_agrees_to_no_terms_gets_no_account(node: Client) -> None:
    refused = node.call("POST", f"{ACME}/account", {"contact": "me@example.test"}, as_user=_root(node))
    assert ended(node, refused).startswith("Registration failed: ")
    assert data(node.call("GET", f"{ACME}/account")) == []


def test_what_is_known_of_authorities(node: Client) -> None:
    names = [row["name"] for row in data(node.call("GET", f"{ACME}/directories"))]
    assert names == ["Let's Encrypt V2", "Let's Encrypt V2 Staging"]
    terms = data(node.call("GET", f"{ACME}/tos"))
    assert data(node.call("GET", f"{ACME}/meta"))["termsOfService"] == terms
    elsewhere = node.call("GET", f"{ACME}/meta", {"directory": "https://ca.example.test/dir"})
    assert (elsewhere.status, "ca.example.test" in elsewhere.reason) == (500, True)
    schema = {row["id"]: row for row in data(node.call("GET", f"{ACME}/challenge-schema"))}
    assert "CF_Token" in schema["cf"]["schema"]["fields"]


def test_plugins_are_made_changed_and_removed(node: Client) -> None:
    path = f"{ACME}/plugins"
    (standalone,) = data(node.call("GET", path))
    assert (standalone["plugin"], standalone["type"]) == ("standalone", "standalone")
    missing = node.call("POST", path, {"id": "p1", "type": "dns"})
    assert missing.reason == "missing value for required option 'api'"
    wrong = node.call("POST", path, {"id": "p1", "type": "standalone", "api": "cf"})
    assert wrong.reason == "unexpected property 'api'"
    data(node.call("POST", path, {"id": "p1", "type": "dns", "api": "cf", "validation-delay": 60}))
    assert (
        node.call("POST", path, {"id": "p1", "type": "dns", "api": "cf"}).reason == "ACME plugin ID 'p1' already exists"
    )
    plugin = data(node.call("GET", f"{path}/p1"))
    assert (plugin["api"], plugin["validation-delay"]) == ("cf", 60)
    stale = node.call("PUT", f"{path}/p1", {"digest": "0" * 40})
    assert stale.reason == "detected modified configuration - file changed by other user? Try again."
    data(node.call("PUT", f"{path}/p1", {"data": "QT1i", "delete": "validation-delay"}))
    assert "validation-delay" not in data(node.call("GET", f"{path}/p1"))
    assert node.call("PUT", f"{path}/p1", {"delete": "api"}).reason == "unable to delete required option 'api'"
    assert node.call("PUT", f"{path}/nope", {"disable": 1}).reason == "ACME plugin ID 'nope' does not exist"
    assert [row["plugin"] for row in data(node.call("GET", path, {"type": "dns"}))] == ["p1"]
    data(node.call("DELETE", f"{path}/p1"))
    assert node.call("GET", f"{path}/p1").reason == "ACME plugin 'p1' not defined"


def test_what_an_authority_says_is_for_who_may_look_into_nodes(node: Client) -> None:
    eve = somebody(node)
    assert data(node.call("GET", f"{ACME}/tos", as_user=eve)).startswith("https://")
    assert node.call("GET", f"{ACME}/meta", as_user=eve).status == 403
