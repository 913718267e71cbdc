"""What is configured of notifications: targets and matchers under one roof of names, the built-in ones among them.

The built-in ones are kept only once somebody has changed them; to delete one is to have it as it was.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.errors import ApiError
from simulator.propstring import PropertyStringError, split
from simulator.records import Section
from simulator.schema import Param, array, boolean, integer, string
from simulator.state import Datacenter, digest

TARGETS = ("gotify", "sendmail", "smtp", "webhook")
MATCHER = "matcher"
_FLAG, _TEXT = boolean(optional=True), string(optional=True)
_TEXTS = array(_TEXT, optional=True)
_COMMON: dict[str, Param] = {"comment": _TEXT, "disable": _FLAG}
_MAIL: dict[str, Param] = {
    "author": _TEXT,
    "from-address": _TEXT,
    "mailto": array(string(format="email-or-username"), optional=True),
    "mailto-user": array(string(format="pve-userid"), optional=True),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of target, or matchers: its options, and which of them are needed, hidden, or can be deleted."""

    options: Mapping[str, Param]
    required: tuple[str, ...]
    deleteable: tuple[str, ...]
    hidden: str = ""


KINDS: dict[str, Kind] = {
    "gotify": Kind(
        _COMMON | {"server": _TEXT, "token": _TEXT}, ("server", "token"), ("comment", "disable"), hidden="token"
    ),
    "sendmail": Kind(
        _COMMON | _MAIL, (), ("from-address", "author", "comment", "disable", "mailto", "mailto-user")
    ),
    "smtp": Kind(
        _COMMON
        | _MAIL
        | {
            "mode": string(enum=("insecure", "starttls", "tls"), optional=True), "password": _TEXT,
            "port": integer(optional=True), "server": _TEXT, "username": _TEXT,
        },
        ("from-address", "server"),
        ("author", "comment", "disable", "mailto", "mailto-user", "password", "port", "username"),
        hidden="password",
    ),
    "webhook": Kind(
        _COMMON
        | {
            "body": _TEXT, "header": array(string(), optional=True),
            "method": string(enum=("post", "put", "get"), optional=True), "secret": array(string(), optional=True),
            "url": _TEXT,
        },
        ("method", "url"),
        ("body", "comment", "disable", "header", "secret"),
        hidden="secret",
    ),
    MATCHER: Kind(
        _COMMON
        | {
            "invert-match": _FLAG, "match-calendar": array(string(), optional=True),
            "match-field": array(string(), optional=True), "match-severity": array(string(), optional=True),
            "mode": string(enum=("all", "any"), optional=True),
            "target": array(string(format="pve-configid"), optional=True),
        },
        (),
        ("comment", "disable", "invert-match", "match-calendar", "match-field", "match-severity", "mode", "target"),
    ),
}  # fmt: skip
_BUILT_IN = {
    "mail-to-root": Section(
        id="mail-to-root",
        type="sendmail",
        options={"mailto-user": "root@pam", "comment": "Send mails to root@pam's email address"},
    ),
    "default-matcher": Section(
        id="default-matcher",
        type=MATCHER,
        options={"mode": "all", "target": "mail-to-root", "comment": "Route all notifications to mail-to-root"},
    ),
}
_FIELD = re.compile(r"(?:regex|exact):[^=]+=.*", re.DOTALL)
_SEVERITIES = ("info", "notice", "warning", "error", "unknown")


def everything(datacenter: Datacenter) -> dict[str, Section]:
    """Return all that is configured, and what is built in."""
    return _BUILT_IN | {row.id: row for row in datacenter.notifications}


def of_kind(datacenter: Datacenter, kind: str) -> list[Section]:
    """Return all of one kind, by name."""
    return sorted((row for row in everything(datacenter).values() if row.type == kind), key=lambda row: row.id)


def config_digest(datacenter: Datacenter) -> str:
    """Return the digest of the whole configuration."""
    return digest([(row.id, row.type, dict(row.options)) for row in everything(datacenter).values()])


def origin(row: Section) -> str:
    """Tell whether somebody made it, or it is built in, perhaps changed."""
    if row.id not in _BUILT_IN:
        return "user-created"
    return "builtin" if row == _BUILT_IN[row.id] else "modified-builtin"


def existing(datacenter: Datacenter, kind: str, name: str) -> Section:
    """Return a target or matcher, or refuse."""
    row = everything(datacenter).get(name)
    if row is None or row.type != kind:
        word = MATCHER if kind == MATCHER else "endpoint"
        raise ApiError(f"{word} '{name}' not found", 404)
    return row


def target(datacenter: Datacenter, name: str) -> Section:
    """Return a target of any kind, or refuse."""
    row = everything(datacenter).get(name)
    if row is None or row.type == MATCHER:
        raise ApiError(f"endpoint '{name}' does not exist", 404)
    return row


def check_new(datacenter: Datacenter, name: str) -> None:
    """Refuse a name that is taken, by whatever kind."""
    if name in everything(datacenter):
        raise ApiError(f"Cannot create '{name}', an entity with the same name already exists", 400)


def check(datacenter: Datacenter, row: Section) -> None:
    """Refuse a target without a recipient, and a matcher that makes no sense."""
    options = row.options
    if row.type in ("sendmail", "smtp") and not (options.get("mailto") or options.get("mailto-user")):
        raise ApiError("must at least provide one recipient, either in mailto or in mailto-user", 400)
    for name in _lines(options, "target"):
        target(datacenter, name)
    for field in _lines(options, "match-field"):
        if not _FIELD.fullmatch(field):
            raise ApiError(f"invalid match-field statement: {field}")
    for severities in _lines(options, "match-severity"):
        unknown = next((word for word in severities.split(",") if word.strip() not in _SEVERITIES), None)
        if unknown is not None:
            raise ApiError(f"invalid severity: {unknown}")
    for word in ("header", "secret"):
        for text in _lines(options, word):
            _check_base64(word, text)


def _lines(options: Mapping[str, str], name: str) -> list[str]:
    return options[name].split("\n") if options.get(name) else []


def _entry(word: str, text: str) -> dict[str, str]:
    """Take `name=...,value=...` apart, or refuse it."""
    try:
        entry = split(text, None)
    except PropertyStringError as error:
        raise ApiError(f"{word}: {error}", 400) from None
    if not entry.get("name"):
        raise ApiError(f"{word}: missing field `name`", 400)
    return entry


def _check_base64(word: str, text: str) -> None:
    entry = _entry(word, text)
    if "value" not in entry:
        raise ApiError(f"{word} '{entry['name']}' has empty value", 400)
    try:
        base64.b64decode(entry["value"], validate=True)
    except binascii.Error:
        raise ApiError(f"{word} '{entry['name']}' does not have valid base64 encoded data", 400) from None


def merged_secrets(old: str, new: str) -> str:
    """Return the secrets of a webhook after a change: one that is given without a value keeps the value it has."""
    known = {split(line, None)["name"]: line for line in old.split("\n") if line}
    result: dict[str, str] = {}
    for line in new.split("\n"):
        entry = _entry("secret", line)
        name = entry["name"]
        if "value" in entry:
            _check_base64("secret", line)
        elif name not in known:
            raise ApiError(f"secret '{name}' not known", 400)
        if name in result:
            raise ApiError(f"secret '{name}' defined multiple times", 400)
        result[name] = line if "value" in entry else known[name]
    return "\n".join(result.values())


def secret_names(text: str) -> list[str]:
    """Return what is shown of a webhook's secrets: their names."""
    return [f"name={split(line, None)['name']}" for line in text.split("\n") if line]


def check_unused(datacenter: Datacenter, row: Section) -> None:
    """Refuse to delete a target that matchers name; the built-in one comes back, so it may be."""
    users = [other.id for other in of_kind(datacenter, MATCHER) if row.id in _lines(other.options, "target")]
    if users and row.id not in _BUILT_IN:
        raise ApiError(f"cannot delete '{row.id}', referenced by: {', '.join(users)}", 400)
