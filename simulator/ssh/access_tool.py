"""`pveum`: users, groups, tokens, roles, permissions, realms and pools."""

from __future__ import annotations

from simulator.errors import ApiError
from simulator.ssh import printing
from simulator.ssh.calling import FAILED, refused
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.table import printed
from simulator.ssh.tools import Entry, entry, make


async def _passwd(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Set a password, which is asked for twice."""
    if not args:
        streams.complain("400 not enough arguments\npveum passwd <userid> [OPTIONS]")
        return FAILED
    streams.out(b"Enter new password: ")
    first = (await streams.input.line()).decode(errors="replace").rstrip("\n")
    streams.out(b"\nRetype new password: ")
    second = (await streams.input.line()).decode(errors="replace").rstrip("\n")
    streams.out(b"\n")
    if first != second:
        streams.complain("Passwords do not match.")
        return FAILED
    try:
        await shell.api("PUT", "/access/password", {"userid": args[0], "password": first})
    except ApiError as refusal:
        return refused(shell, refusal, "", streams)
    return 0


async def _token_permissions(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print what a token may do."""
    words = [word for word in args if not word.startswith("-")]
    if len(words) < 2:  # noqa: PLR2004 - user and token
        streams.complain("400 not enough arguments\npveum user token permissions <userid> <tokenid> [OPTIONS]")
        return FAILED
    try:
        data = await shell.api("GET", "/access/permissions", {"userid": f"{words[0]}!{words[1]}"})
    except ApiError as refusal:
        return refused(shell, refusal, "", streams)
    streams.out(printed(data, words[2] if "--output-format" in args else "text").encode())
    return 0


_PVEUM: dict[str, Entry | Program] = {
    "user list": entry("GET /access/users", show=printing.formatted),
    "user add": entry("POST /access/users", "userid"),
    "user modify": entry("PUT /access/users/{userid}", "userid"),
    "user delete": entry("DELETE /access/users/{userid}", "userid"),
    "user permissions": entry("GET /access/permissions", "userid", printing.formatted, optional=1),
    "user token list": entry("GET /access/users/{userid}/token", "userid", printing.formatted),
    "user token add": entry("POST /access/users/{userid}/token/{tokenid}", "userid tokenid", printing.formatted),
    "user token modify": entry("PUT /access/users/{userid}/token/{tokenid}", "userid tokenid", printing.formatted),
    "user token remove": entry("DELETE /access/users/{userid}/token/{tokenid}", "userid tokenid"),
    "group list": entry("GET /access/groups", show=printing.formatted),
    "group add": entry("POST /access/groups", "groupid"),
    "group modify": entry("PUT /access/groups/{groupid}", "groupid"),
    "group delete": entry("DELETE /access/groups/{groupid}", "groupid"),
    "role list": entry("GET /access/roles", show=printing.formatted),
    "role add": entry("POST /access/roles", "roleid"),
    "role modify": entry("PUT /access/roles/{roleid}", "roleid"),
    "role delete": entry("DELETE /access/roles/{roleid}", "roleid"),
    "acl list": entry("GET /access/acl", show=printing.formatted),
    "acl modify": entry("PUT /access/acl", "path"),
    "acl delete": entry("PUT /access/acl", "path", fixed=(("delete", "1"),)),
    "realm list": entry("GET /access/domains", show=printing.formatted),
    "realm add": entry("POST /access/domains", "realm"),
    "realm modify": entry("PUT /access/domains/{realm}", "realm"),
    "realm delete": entry("DELETE /access/domains/{realm}", "realm"),
    "realm sync": entry("POST /access/domains/{realm}/sync", "realm"),
    "user tfa list": entry("GET /access/tfa/{userid}", "userid", printing.formatted),
    "user tfa delete": entry("DELETE /access/tfa/{userid}/{id}", "userid id"),
    "user tfa unlock": entry("PUT /access/users/{userid}/unlock-tfa", "userid"),
    "user token permissions": _token_permissions,
    "passwd": _passwd,
    "pool list": entry("GET /pools", show=printing.formatted),
    "pool add": entry("POST /pools", "poolid"),
    "pool modify": entry("PUT /pools", "poolid"),
    "pool delete": entry("DELETE /pools", "poolid"),
}
_PVEUM |= {
    "useradd": _PVEUM["user add"], "usermod": _PVEUM["user modify"], "userdel": _PVEUM["user delete"],
    "groupadd": _PVEUM["group add"], "groupmod": _PVEUM["group modify"], "groupdel": _PVEUM["group delete"],
    "roleadd": _PVEUM["role add"], "rolemod": _PVEUM["role modify"], "roledel": _PVEUM["role delete"],
    "pooladd": _PVEUM["pool add"], "poolmod": _PVEUM["pool modify"], "pooldel": _PVEUM["pool delete"],
    "aclmod": _PVEUM["acl modify"], "acldel": _PVEUM["acl delete"],
}  # fmt: skip
PROGRAMS: dict[str, Program] = {"pveum": make("pveum", _PVEUM)}
