"""`no-insecure-connection`: every place at which a resource can trust anybody."""

from __future__ import annotations

from typing import Any

import pytest

from policies.connections import TRUST, VERIFIED
from tests.policies.judging import NOT_KNOWN_YET, described, machine, said

BLIND: dict[str, tuple[str, dict[str, Any]]] = {
    "insecure": ("Pool", {"insecure": True}),
    "migration.type": ("ClusterOptions", {"migration": {"type": "insecure"}}),
    "replication.type": ("ClusterOptions", {"replication": {"type": "insecure"}}),
    "skip_cert_verification": ("Storage", {"skip_cert_verification": True}),
    "verify_certificate": ("MetricsServer", {"verify_certificate": False}),
    "otel_verify_ssl": ("MetricsServer", {"otel_verify_ssl": False}),
    "mode": ("Realm", {"mode": "ldap"}),
    "url": ("SdnDns", {"url": "http://dns.example.org/api"}),
    "verify_certificates": ("File", {"verify_certificates": False}),
}


@pytest.mark.parametrize("field", BLIND)
def test_trusting_anybody_is_told_with_its_field(field: str) -> None:
    kind, values = BLIND[field]

    [text] = said(VERIFIED, described(kind, "it", **values))

    assert text.startswith(f"{kind} it has {field}=")


def test_no_place_is_untested() -> None:
    assert {trust.field for trust in TRUST} == set(BLIND)


def test_what_verifies_or_is_not_known_yet_is_fine() -> None:
    stack = [
        machine(),
        described("ClusterOptions", "dc", migration={"type": "secure"}, replication=NOT_KNOWN_YET),
        described("MetricsServer", "m", verify_certificate=True),
        described("Realm", "ldap", mode="ldap+starttls"),
        described("SdnIpam", "ipam", url="https://netbox.example.org"),
        described("SdnDns", "dns", url=NOT_KNOWN_YET),
    ]

    assert said(VERIFIED, *stack) == []


def test_one_may_be_allowed_by_its_name() -> None:
    assert said(VERIFIED, described("Pool", "lab-1", insecure=True), allowed=["lab-*"]) == []
