"""`/nodes/{node}/certificates`: which certificates a node has, and one of one's own."""

from __future__ import annotations

from typing import Any

from simulator.errors import ParamError
from simulator.nodes import journal
from simulator.nodes.certificates import OwnCertificate, all_of, without_leading_text
from simulator.routing import Call, route
from simulator.schema import boolean, string

_NODE = {"node": string(format="pve-node")}
_FLAG = boolean(optional=True)
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_NO_KEY = "Attempted to upload custom certificate without (existing) key."


@route("GET", "/nodes/{node}/certificates", params=_NODE, user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `certificates`."""
    return [{"name": name} for name in ("acme", "custom", "info")]


@route("GET", "/nodes/{node}/certificates/info", params=_NODE, user="all", proxyto="node")
def certificate_info(call: Call) -> list[dict[str, Any]]:
    """Return what the node's certificates say."""
    return list(all_of(call.datacenter, call.node, call.world.home / "tls"))


@route(
    "POST",
    "/nodes/{node}/certificates/custom",
    params=_NODE
    | {
        "certificates": string(format="pem-certificate-chain"),
        "force": _FLAG,
        "key": string(format="pem-string", optional=True),
        "restart": _FLAG,
    },
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def upload(call: Call) -> dict[str, Any]:
    """Put a certificate in place; without a key it is for the key that is there."""
    own = OwnCertificate(call.datacenter, call.node)
    if "key" not in call and not own.has_key:
        raise ParamError({"key": _NO_KEY})
    key = without_leading_text(call.text("key")) if "key" in call else None
    found = own.put(without_leading_text(call.text("certificates")), key, call.now, force=call.flag("force"))
    _reload(call)
    return found


@route(
    "DELETE",
    "/nodes/{node}/certificates/custom",
    params=_NODE | {"restart": _FLAG},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def remove(call: Call) -> None:
    """Go back to the node's own certificate."""
    OwnCertificate(call.datacenter, call.node).remove()
    _reload(call)


def _reload(call: Call) -> None:
    """Let the daemon read its certificate again, when that is asked for."""
    if call.flag("restart"):
        journal.log(
            call.datacenter, call.node, call.now, "systemd", "Reloaded pveproxy.service - PVE API Proxy Server."
        )
