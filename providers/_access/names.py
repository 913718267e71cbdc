"""Names of users, groups, roles, tokens and realms, as Proxmox takes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

REALM = r"[A-Za-z][A-Za-z0-9._-]+"
USER = rf"[^\s:/@!]+(?:@[^\s:/@!]+)*@{REALM}"

RealmName = Annotated[str, Field(pattern=rf"^{REALM}$", max_length=32)]
UserId = Annotated[str, Field(pattern=rf"^{USER}$", max_length=64)]
GroupId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
RoleId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
TokenId = Annotated[str, Field(pattern=rf"^{REALM}$")]
FullTokenId = Annotated[str, Field(pattern=rf"^{USER}!{REALM}$")]


def realm_of(userid: str) -> str:
    """`pve` of `ci@pve`."""
    return userid.rpartition("@")[2]
