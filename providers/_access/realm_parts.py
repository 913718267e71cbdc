"""Property strings of realms: what a sync does, which attributes it reads, and the second factor that is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from providers._runtime.wire import Part


class SyncDefaultsOptions(Part):
    """What a sync does where nothing else is said."""

    scope: Literal["users", "groups", "both"] | None = Field(default=None, description="What is taken over.")
    enable_new: bool | None = Field(
        default=None, alias="enable-new", description="Whether new users may log in; by itself they may."
    )
    remove_vanished: str | None = Field(
        default=None,
        alias="remove-vanished",
        pattern=r"^(((acl|properties|entry);)*(acl|properties|entry)|none)$",
        description="What those lose who are no longer in the directory: `entry`, `properties` and `acl`, "
        "separated by semicolons, or `none`.",
    )


class SyncAttributes(Part):
    """The directory's names of what Proxmox keeps of a user, where they are not the same."""

    email: str | None = Field(default=None, description="Where the mail address is, such as `mail`.")
    firstname: str | None = Field(default=None, description="Where the first name is, such as `givenName`.")
    lastname: str | None = Field(default=None, description="Where the last name is, such as `sn`.")
    comment: str | None = Field(default=None, description="Where the comment is.")
    keys: str | None = Field(default=None, description="Where Yubico keys are.")
    enable: str | None = Field(default=None, description="Where it says whether the user may log in.")
    expire: str | None = Field(default=None, description="Where it says until when, in seconds since 1970.")


class SecondFactor(Part):
    """What users of the realm have to show besides their password."""

    type: Literal["yubico", "oath"] = Field(description="Kind of the second factor.")
    id: str | None = Field(default=None, description="yubico: ID of the client at the service.")
    key: str | None = Field(default=None, description="yubico: key of the client at the service.")
    url: str | None = Field(default=None, description="yubico: address of the service, where it is one of your own.")
    digits: int | None = Field(default=None, ge=6, le=8, description="oath: digits of a code.")
    step: int | None = Field(default=None, ge=10, description="oath: seconds that a code is good for.")
