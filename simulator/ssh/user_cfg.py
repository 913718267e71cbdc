"""`/etc/pve/user.cfg`: users, tokens, groups, pools, roles and permissions, one a line with colons between.

Passwords and secrets are not in it. A user or token that appears in a written file has none until one is set.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from simulator.access import valid_acl_path
from simulator.privileges import ALL, BUILTIN_ROLES
from simulator.records import Acl, Group, Pool, Role, Token, User
from simulator.ssh.section_file import Warn, silently
from simulator.ssh.text import MalformedFileError, decode_text, encode_text, lines_of
from simulator.state import Datacenter
from simulator.store import Table

_USERID = re.compile(r"[^\s:/@,!]+@[A-Za-z][A-Za-z0-9.\-_]+")
_NAME = re.compile(r"[A-Za-z0-9.\-_]+")
_POOL = re.compile(r"[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9.\-_]+")
_KINDS = {"user/": "", "group/": "@", "token/": ""}
Entries = dict[str, dict[str, bool]]
T = TypeVar("T")


@dataclass(slots=True)
class UserCfg:
    """What the file says, by name."""

    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    acl: dict[str, Entries] = field(default_factory=dict)


def of_datacenter(datacenter: Datacenter) -> UserCfg:
    """Return what the file of a datacenter says."""
    return UserCfg(
        {user.userid: user for user in datacenter.users},
        {token.full_id: token for token in datacenter.tokens},
        {group.groupid: group for group in datacenter.groups},
        {pool.poolid: pool for pool in datacenter.pools},
        {role.roleid: role for role in datacenter.roles},
        {acl.path: {who: dict(roles) for who, roles in acl.entries.items()} for acl in datacenter.acl},
    )


def render(cfg: UserCfg) -> str:
    """Write the file."""
    blocks: list[Iterable[str]] = [
        _user_lines(cfg),
        (_line("group", g.groupid, ",".join(sorted(g.members)), encode_text(g.comment)) for g in _sorted(cfg.groups)),
        (
            _line("pool", p.poolid, encode_text(p.comment), _joined(p.vms), ",".join(sorted(p.storages)))
            for p in _sorted(cfg.pools)
        ),
        (_line("role", r.roleid, ",".join(sorted(r.privs))) for r in _sorted(cfg.roles)),
        (line for path, entries in sorted(cfg.acl.items()) for line in _acl_lines(path, entries)),
    ]
    return "\n".join("".join(block) for block in blocks)


def _sorted(rows: dict[str, T]) -> list[T]:
    return [rows[name] for name in sorted(rows)]


def _joined(vmids: Iterable[int]) -> str:
    return ",".join(str(vmid) for vmid in sorted(vmids))


def _line(*fields: str | int) -> str:
    return ":".join(str(value) for value in fields) + ":\n"


def _user_lines(cfg: UserCfg) -> Iterator[str]:
    """Write each user, followed by the user's tokens."""
    for user in _sorted(cfg.users):
        names = (encode_text(user.firstname), encode_text(user.lastname), user.email)
        yield _line("user", user.userid, int(user.enable), user.expire, *names, encode_text(user.comment), user.keys)
        for token in _sorted(cfg.tokens):
            if token.userid == user.userid:
                comment = encode_text(token.comment)
                yield _line("token", token.full_id, token.expire, int(token.privsep), comment)


def _acl_lines(path: str, entries: Entries) -> Iterator[str]:
    """Write the permissions of a path: who has the same roles is on the same line."""
    roles_of: dict[tuple[bool, str], set[str]] = defaultdict(set)
    for who, roles in entries.items():
        kind, _, name = who.partition("/")
        for role, propagate in roles.items():
            roles_of[propagate, _KINDS[f"{kind}/"] + name].add(role)
    members_of: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for (propagate, member), names in sorted(roles_of.items()):
        members_of[propagate, ",".join(sorted(names))].append(member)
    for (propagate, names_text), members in sorted(members_of.items()):
        yield _line("acl", int(propagate), path, ",".join(members), names_text)


def parse(text: str, warn: Warn = silently) -> UserCfg:
    """Read the file as Proxmox does: a line that says nothing sensible is left out, and `warn` is told."""
    cfg = UserCfg()
    entries = [(number, *line.partition(":")[::2]) for number, line in lines_of(text) if line and line[0] != "#"]
    for number, kind, rest in sorted(entries, key=lambda entry: entry[1] == "acl"):
        fields = [part.strip() for part in rest.split(":")]
        reader, count = _READERS.get(kind, (None, 0))
        try:
            _need(reader is not None, f"ignore config line: {kind}")
            _need(len(fields) > count, f"an entry '{kind}' has {count} fields, and a colon after each")
            cast("Callable[..., None]", reader)(cfg, *fields[:count])
        except MalformedFileError as error:
            warn(f"user config line {number} - {error}")
    return cfg


def _need(found: object, text: str) -> None:
    if not found:
        raise MalformedFileError(text)


def _flag(text: str) -> bool:
    _need(text in ("0", "1"), f"'{text}' is neither 0 nor 1")
    return text == "1"


def _number(text: str) -> int:
    _need(re.fullmatch(r"[0-9]{1,12}", text, re.ASCII), f"'{text}' is no number")
    return int(text)


def _items(text: str) -> list[str]:
    return [item.strip() for item in re.split(r"[,;\s]", text) if item.strip()]


def _user(cfg: UserCfg, *fields: str) -> None:
    userid, enable, expire, firstname, lastname, email, comment, keys = fields
    _need(_USERID.fullmatch(userid) and userid not in cfg.users, f"'{userid}' is no user, or is there twice")
    cfg.users[userid] = User(
        userid=userid, enable=_flag(enable), expire=_number(expire), firstname=decode_text(firstname),
        lastname=decode_text(lastname), email=email, comment=decode_text(comment), keys=keys,
    )  # fmt: skip


def _token(cfg: UserCfg, full_id: str, expire: str, privsep: str, comment: str) -> None:
    userid, _, name = full_id.partition("!")
    _need(userid in cfg.users and _TOKEN.fullmatch(name), f"'{full_id}' is no token of a user above it")
    cfg.tokens[full_id] = Token(
        full_id=full_id, secret="", expire=_number(expire), privsep=_flag(privsep), comment=decode_text(comment)
    )


def _group(cfg: UserCfg, groupid: str, members: str, comment: str) -> None:
    _need(_NAME.fullmatch(groupid) and groupid not in cfg.groups, f"'{groupid}' is no group, or is there twice")
    known = frozenset(userid for userid in _items(members) if userid in cfg.users)
    cfg.groups[groupid] = Group(groupid=groupid, comment=decode_text(comment), members=known)


def _pool(cfg: UserCfg, poolid: str, comment: str, vms: str, storages: str) -> None:
    _need(_POOL.fullmatch(poolid) and poolid not in cfg.pools, f"'{poolid}' is no pool, or is there twice")
    numbers = [int(vmid) for vmid in _items(vms) if re.fullmatch(r"[1-9][0-9]{2,8}", vmid, re.ASCII)]
    known = [storage for storage in _items(storages) if _NAME.fullmatch(storage)]
    cfg.pools[poolid] = Pool(
        poolid=poolid, comment=decode_text(comment), vms=frozenset(numbers), storages=frozenset(known)
    )


def _role(cfg: UserCfg, roleid: str, privileges: str) -> None:
    _need(_NAME.fullmatch(roleid) and roleid not in cfg.roles, f"'{roleid}' is no role, or is there twice")
    known = frozenset(name for name in _items(privileges) if name in ALL)
    cfg.roles[roleid] = Role(roleid=roleid, privs=known)


def _acl(cfg: UserCfg, propagate: str, path: str, members: str, roles: str) -> None:
    _need(valid_acl_path(path), f"'{path}' is no path of permissions")
    entries = cfg.acl.setdefault(path, {})
    known = [role for role in _items(roles) if role in cfg.roles or role in BUILTIN_ROLES]
    for member in _items(members):
        is_group, is_token = member.startswith("@"), "!" in member
        table: dict[str, Group] | dict[str, Token] | dict[str, User]
        table = cfg.groups if is_group else cfg.tokens if is_token else cfg.users
        name = member.removeprefix("@") if is_group else member
        if name not in table:
            continue
        kind = "group" if is_group else "token" if is_token else "user"
        for role in known:
            entries.setdefault(f"{kind}/{name}", {})[role] = _flag(propagate)


_READERS: dict[str, tuple[Callable[..., None], int]] = {
    "user": (_user, 8), "token": (_token, 4), "group": (_group, 3), "pool": (_pool, 4), "role": (_role, 2),
    "acl": (_acl, 4),
}  # fmt: skip


def write(datacenter: Datacenter, text: str) -> None:
    """Let the file be the state; who was there before keeps password and secret."""
    cfg = parse(text)
    cfg.users.setdefault("root@pam", User(userid="root@pam"))
    for user in datacenter.users:
        if user.userid in cfg.users:
            cfg.users[user.userid] = replace(cfg.users[user.userid], password=user.password)
    for token in datacenter.tokens:
        if token.full_id in cfg.tokens:
            cfg.tokens[token.full_id] = replace(cfg.tokens[token.full_id], secret=token.secret)
    _replace_rows(datacenter, cfg)


def _replace_rows(datacenter: Datacenter, cfg: UserCfg) -> None:
    """Put what the file says into the tables, and remove what it does not say."""
    acl = {path: Acl(path=path, entries=entries) for path, entries in cfg.acl.items() if entries}
    pairs: list[tuple[Table[str, Any], dict[str, Any]]] = [
        (datacenter.users, cfg.users), (datacenter.tokens, cfg.tokens), (datacenter.groups, cfg.groups),
        (datacenter.pools, cfg.pools), (datacenter.roles, cfg.roles), (datacenter.acl, acl),
    ]  # fmt: skip
    for table, rows in pairs:
        for key in set(table.keys()) - set(rows):
            table.delete(key)
        for row in rows.values():
            table.put(row)
