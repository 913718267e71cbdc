"""`.../firewall/aliases`, `.../firewall/ipset` and `.../firewall/refs` of cluster and guests."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from simulator.api.firewall_rules import DIGEST
from simulator.errors import ApiError, ParamError
from simulator.firewall.config import Entry, Firewall, digest_of
from simulator.firewall.levels import WITH_NAMES, Level
from simulator.firewall.values import SCOPED_NAME, network
from simulator.routing import Call, route
from simulator.schema import Param, boolean, string

_NAME_OPTIONS: dict[str, Any] = {"min_length": 2, "max_length": 64, "pattern": r"[A-Za-z][A-Za-z0-9\-\_]+"}
_NAME = {"name": string(**_NAME_OPTIONS)}
_RENAME = {"rename": string(**_NAME_OPTIONS, optional=True)}
_TEXT = {"comment": string(optional=True)}
_DIGEST = {"digest": DIGEST}
_NOMATCH = {"nomatch": boolean(optional=True)}
_CIDR = {"cidr": string(format="IPorCIDRorAlias")}
_ALIAS_CIDR = {"cidr": string(format="IPorCIDR")}

Handler = Callable[[Level, Call], Any]
_METHODS: list[tuple[str, str, Handler, dict[str, Param], bool]] = []


def _method(
    method: str, path: str, *params: dict[str, Param], protected: bool | None = None
) -> Callable[[Handler], Handler]:
    """Declare a method on every level that has aliases and ipsets."""

    def register(handler: Handler) -> Handler:
        merged = {name: param for part in params for name, param in part.items()}
        _METHODS.append((method, path, handler, merged, method != "GET" if protected is None else protected))
        return handler

    return register


def _aliases(firewall: Firewall) -> list[Entry]:
    return [firewall.aliases[key] for key in sorted(firewall.aliases)]


def _with_digest(entries: list[Entry]) -> list[Entry]:
    digest = digest_of(entries)
    return [{**entry, "digest": digest} for entry in entries]


@_method("GET", "/aliases")
def aliases(level: Level, call: Call) -> list[Entry]:
    """List the aliases."""
    return _with_digest(_aliases(level.load(call)[0]))


@_method("GET", "/aliases/{name}", _NAME)
def read_alias(level: Level, call: Call) -> Entry:
    """Return an alias; names count without regard to case."""
    return _alias(level.load(call)[0], call.text("name"))


def _alias(firewall: Firewall, name: str) -> Entry:
    found = firewall.aliases.get(name.lower())
    if found is None:
        raise ParamError({"name": "no such alias"})
    return found


def _given_alias(call: Call) -> Entry:
    comment = {"comment": call.text("comment")} if call.text("comment") else {}
    return {"name": call.text("name"), "cidr": call.text("cidr"), **comment}


@_method("POST", "/aliases", _NAME, _ALIAS_CIDR, _TEXT)
def create_alias(level: Level, call: Call) -> None:
    """Add an alias."""
    firewall, name = level.begin_change(call), call.text("name")
    if name.lower() in firewall.aliases:
        raise ParamError({"name": f"alias '{name}' already exists"})
    firewall.aliases[name.lower()] = _given_alias(call)
    level.save(call, firewall)


@_method("PUT", "/aliases/{name}", _NAME, _ALIAS_CIDR, _TEXT, _DIGEST, _RENAME)
def update_alias(level: Level, call: Call) -> None:
    """Replace an alias, perhaps under another name; a comment that is not given is gone."""
    firewall, name = level.begin_change(call), call.text("name")
    call.check_digest(digest_of(_aliases(firewall)))
    _alias(firewall, name)
    firewall.aliases[name.lower()] = _given_alias(call)
    rename = call.text("rename")
    if rename and rename.lower() != name.lower():
        if rename.lower() in firewall.aliases:
            raise ParamError({"name": f"alias '{rename}' already exists"})
        firewall.aliases[rename.lower()] = {**firewall.aliases.pop(name.lower()), "name": rename}
    level.save(call, firewall)


@_method("DELETE", "/aliases/{name}", _NAME, _DIGEST)
def delete_alias(level: Level, call: Call) -> None:
    """Remove an alias; one that does not exist is no error."""
    firewall = level.begin_change(call)
    call.check_digest(digest_of(_aliases(firewall)))
    firewall.aliases.pop(call.text("name").lower(), None)
    level.save(call, firewall)


def _ipset_rows(firewall: Firewall) -> list[Entry]:
    return [
        {"name": name} | ({"comment": firewall.ipset_comments[name]} if name in firewall.ipset_comments else {})
        for name in sorted(firewall.ipsets)
    ]


def _ipset(firewall: Firewall, name: str) -> list[Entry]:
    if name not in firewall.ipsets:
        raise ApiError(f"no such IPSet '{name}'")
    return firewall.ipsets[name]


@_method("GET", "/ipset")
def ipsets(level: Level, call: Call) -> list[Entry]:
    """List the ipsets."""
    return _with_digest(_ipset_rows(level.load(call)[0]))


@_method("POST", "/ipset", _NAME, _TEXT, _DIGEST, _RENAME)
def create_ipset(level: Level, call: Call) -> None:
    """Add an ipset, or rename one; renamed to its own name it gets another comment."""
    firewall, name, old = level.begin_change(call), call.text("name"), call.text("rename")
    if old:
        call.check_digest(digest_of(_ipset_rows(firewall)))
        if old not in firewall.ipsets:
            raise ParamError({"name": f"IPSet '{old}' does not exist"})
        if name in firewall.ipsets and name != old:
            raise ParamError({"name": f"IPSet '{name}' does already exist"})
        firewall.ipsets[name] = firewall.ipsets.pop(old)
        comment = firewall.ipset_comments.pop(old, "")
    elif name in firewall.ipsets:
        raise ParamError({"name": f"IPSet '{name}' already exists"})
    else:
        firewall.ipsets[name], comment = [], ""
    firewall.ipset_comments[name] = call.text("comment", comment)
    level.save(call, firewall)


@_method("DELETE", "/ipset/{name}", _NAME, {"force": boolean(optional=True)})
def delete_ipset(level: Level, call: Call) -> None:
    """Remove an empty ipset, or any by force; whether a rule names it does not count."""
    firewall, name = level.begin_change(call), call.text("name")
    if _ipset(firewall, name) and not call.flag("force"):
        raise ApiError(f"IPSet '{name}' is not empty")
    del firewall.ipsets[name]
    firewall.ipset_comments.pop(name, None)
    level.save(call, firewall)


@_method("GET", "/ipset/{name}", _NAME)
def ipset_entries(level: Level, call: Call) -> list[Entry]:
    """List what is in an ipset."""
    return _with_digest(_ipset(level.load(call)[0], call.text("name")))


@_method("POST", "/ipset/{name}", _NAME, _CIDR, _TEXT, _NOMATCH)
def add_ipset_entry(level: Level, call: Call) -> None:
    """Add an address, a network (without bits behind its prefix) or an alias."""
    firewall, cidr = level.begin_change(call), call.text("cidr")
    entries = _ipset(firewall, call.text("name"))
    name = SCOPED_NAME.fullmatch(cidr)
    if name is None:
        cidr = network(cidr)
    elif level.lookup(call)("alias", name[1] or "", name[2]) is None:
        raise ApiError(f"no such alias '{name[2]}'")
    if any(entry["cidr"] == cidr for entry in entries):
        raise ParamError({"cidr": f"address '{cidr}' already exists"})
    if cidr.endswith("/0"):
        raise ParamError({"cidr": "a zero prefix is not allowed in ipset entries"})
    entries.append({"cidr": cidr, "nomatch": int(call.flag("nomatch")), "comment": call.text("comment")})
    level.save(call, firewall)


def _ipset_entry(entries: list[Entry], cidr: str) -> Entry:
    found = next((entry for entry in entries if entry["cidr"] == cidr), None)
    if found is None:
        raise ParamError({"cidr": "no such IP/Network"})
    return found


@_method("GET", "/ipset/{name}/{cidr}", _NAME, _CIDR, protected=True)
def read_ipset_entry(level: Level, call: Call) -> Entry:
    """Return an entry of an ipset."""
    entries = _with_digest(_ipset(level.load(call)[0], call.text("name")))
    return _ipset_entry(entries, call.text("cidr"))


@_method("PUT", "/ipset/{name}/{cidr}", _NAME, _CIDR, _TEXT, _DIGEST, _NOMATCH)
def update_ipset_entry(level: Level, call: Call) -> None:
    """Set comment and `nomatch` of an entry; what is not given is gone."""
    firewall = level.begin_change(call)
    entries = _ipset(firewall, call.text("name"))
    call.check_digest(digest_of(entries))
    entry = _ipset_entry(entries, call.text("cidr"))
    entry.update(nomatch=int(call.flag("nomatch")), comment=call.text("comment"))
    level.save(call, firewall)


@_method("DELETE", "/ipset/{name}/{cidr}", _NAME, _CIDR, _DIGEST)
def delete_ipset_entry(level: Level, call: Call) -> None:
    """Remove an entry; one that is not there is no error."""
    firewall, name = level.begin_change(call), call.text("name")
    entries = _ipset(firewall, name)
    call.check_digest(digest_of(entries))
    firewall.ipsets[name] = [entry for entry in entries if entry["cidr"] != call.text("cidr")]
    level.save(call, firewall)


@_method("GET", "/refs", {"type": string(enum=("alias", "ipset"), optional=True)})
def refs(level: Level, call: Call) -> list[Entry]:
    """List the names that a rule may use as source or destination, those of the cluster first."""
    own, cluster = level.load(call)
    rows = _ref_rows(cluster, "dc")
    if own is not cluster:
        rows += _ref_rows(own, "guest")
    for name in sorted(cluster.sdn_ipsets()):
        rows.append({"type": "ipset", "name": name, "ref": f"+sdn/{name}", "scope": "sdn"})
    return [row for row in rows if call.optional("type") in (None, row["type"])]


def _ref_rows(firewall: Firewall, scope: str) -> list[Entry]:
    named = [("alias", name, name, entry.get("comment")) for name, entry in sorted(firewall.aliases.items())]
    named += [("ipset", name, f"+{name}", firewall.ipset_comments.get(name)) for name in sorted(firewall.ipsets)]
    return [
        {"type": kind, "name": name, "ref": ref, "scope": scope} | ({"comment": comment} if comment else {})
        for kind, name, ref, comment in named
    ]


for _level in WITH_NAMES:
    for _verb, _path, _handler, _params, _protected in _METHODS:
        route(
            _verb, f"{_level.path}{_path}", params={**_level.params, **_params},
            check=_level.audit if _verb == "GET" else _level.modify, protected=_protected,
            rest=_path.endswith("{cidr}"),
        )(functools.partial(_handler, _level))  # fmt: skip
