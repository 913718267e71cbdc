"""Proxmox's types of realms: which fields each must have, and which others are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EVERYBODYS = frozenset({"realm", "type", "comment", "default", "connection", "adopt", "timeouts"})
BUILT_IN: Mapping[str, str] = {
    "pam": "Linux PAM standard authentication",
    "pve": "Proxmox VE authentication server",
}
"""Realms that are there always, named like their types -> the comment that they have by themselves."""


@dataclass(frozen=True)
class RealmKind:
    """One type of realm."""

    required: frozenset[str]
    own: frozenset[str]

    @property
    def fields(self) -> frozenset[str]:
        """All fields that a realm of this type may have."""
        return self.required | self.own | EVERYBODYS


def _kind(required: str, own: str) -> RealmKind:
    return RealmKind(frozenset(required.split()), frozenset(own.split()))


_DIRECTORY = (
    "server2 bind_dn password port sslversion tfa verify capath cert certkey filter sync_attributes user_classes"
    " group_dn group_name_attr group_filter group_classes sync_defaults_options mode case_sensitive"
    " sync_on_change triggers"
)

KINDS: Mapping[str, RealmKind] = {
    "ad": _kind("server1 domain", f"base_dn user_attr {_DIRECTORY}"),
    "ldap": _kind("server1 base_dn user_attr", _DIRECTORY),
    "openid": _kind(
        "issuer_url client_id",
        "client_key autocreate username_claim groups_claim groups_autocreate groups_overwrite prompt scopes"
        " acr_values query_userinfo audiences",
    ),
    "pam": _kind("", "tfa"),
    "pve": _kind("", "tfa"),
}
