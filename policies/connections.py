"""Connections on which nobody can tell who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from policies.resources import Object, matches, read
from policies.settings import texts


@dataclass(frozen=True)
class Trust:
    """One place at which a resource can trust anybody."""

    field: str
    """The field, and after a dot the one within it."""
    is_blind: Callable[[Any], bool]
    remedy: str
    kind: str | None = None
    """The class that has the field; none where all have it."""

    def found_in(self, thing: Object) -> str | None:
        """What is wrong with a resource and what to do, if it trusts anybody."""
        if self.kind not in (None, thing.kind):
            return None
        outer, _, inner = self.field.partition(".")
        value = thing.within(outer).get(inner) if inner else thing.get(outer)
        return f"{thing.title} has {self.field}={value!r}. {self.remedy}" if self.is_blind(value) else None


def _is_on(value: Any) -> bool:
    return value is True


def _is_off(value: Any) -> bool:
    return value is False


def _is_insecure(value: Any) -> bool:
    return bool(value == "insecure")


def _is_bare_ldap(value: Any) -> bool:
    return bool(value == "ldap")


def _is_clear(value: Any) -> bool:
    return isinstance(value, str) and value.lower().startswith("http://")


CERTIFICATE = "Have the certificate verified."
PRIVATE = "Take it out: the traffic then goes through SSH."
TRUST = (
    Trust("insecure", _is_on, "Give its connection `fingerprint` or `ca_file` in place of `insecure`."),
    Trust("migration.type", _is_insecure, PRIVATE, "ClusterOptions"),
    Trust("replication.type", _is_insecure, PRIVATE, "ClusterOptions"),
    Trust("skip_cert_verification", _is_on, CERTIFICATE, "Storage"),
    Trust("verify_certificate", _is_off, CERTIFICATE, "MetricsServer"),
    Trust("otel_verify_ssl", _is_off, CERTIFICATE, "MetricsServer"),
    Trust("mode", _is_bare_ldap, "Use ldaps or ldap+starttls: passwords go over the wire.", "Realm"),
    Trust("url", _is_clear, "Use https: the key goes over the wire.", "SdnDns"),
    Trust("url", _is_clear, "Use https: the token goes over the wire.", "SdnIpam"),
    Trust("verify_certificates", _is_off, CERTIFICATE, "File"),
)


def _check(args: ResourceValidationArgs, report: ReportViolation) -> None:
    thing = read(args)
    if thing is None or matches(thing.name, args.get_config()["allowed"]):
        return
    for trust in TRUST:
        if problem := trust.found_in(thing):
            report(problem, None)


VERIFIED = ResourceValidationPolicy(
    name="no-insecure-connection",
    description="No connection trusts whoever answers: anybody on the way could read and change everything.",
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema({"allowed": texts("Names of resources that may; `*` stands for anything.")}),
    validate=_check,
)
