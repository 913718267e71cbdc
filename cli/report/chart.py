"""The picture of a lab as a chart, with what changes in its colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from cli.report.plan import Deed, Part, Plan, Values
from cli.taken import GUESTS
from cli.topology.mermaid import mermaid
from cli.topology.picture import Picture, picture_of
from lab_outputs import Guest, Host, Lab, Nic

DRAWN = ("version", "kind", "hosts", "guests", "networks", "vips")
LOOKS = {
    "loses": "fill:#cf222e,stroke:#82071e,color:#ffffff,stroke-width:4px",
    "removed": "fill:#ffebe9,stroke:#cf222e,color:#82071e,stroke-dasharray:5 5",
    "changed": "fill:#fff8c5,stroke:#9a6700,color:#4d2d00,stroke-width:3px",
    "created": "fill:#dafbe1,stroke:#1a7f37,color:#044f1e,stroke-width:3px",
}
"""How a guest looks; the worst first."""
LEGEND = "created: green · changed: yellow · removed: red, dashed · loses data: red, filled"
MARKS = {Deed.DELETE: "removed", Deed.REPLACE: "changed", Deed.UPDATE: "changed", Deed.CREATE: "created"}


def chart(plan: Plan, title: str) -> str:
    """The lab as the stack told of it, with the guests that are made; empty where there are none."""
    lab, marks = _lab(plan), {}
    for part in plan.changed:
        if part.is_guest:
            marks[_vmid(part)] = "loses" if part.loses_data else MARKS[part.deed]
    if not lab.guests:
        return ""
    picture = picture_of(lab, title)
    return mermaid(picture) + "".join(f"  {line}\n" for line in _classes(picture, marks))


def _classes(picture: Picture, marks: Mapping[int, str]) -> Iterator[str]:
    used: dict[str, list[str]] = {}
    for host, box in enumerate(picture.boxes):
        for place, row in enumerate(box.rows):
            mine = {marks[guest.vmid] for guest in row.guests.values() if guest.vmid in marks}
            worst = next((look for look in LOOKS if look in mine), None)
            if worst:
                used.setdefault(worst, []).append(f"g{host}_{place}")
    for look, nodes in used.items():
        yield f"classDef {look} {LOOKS[look]}"
        yield f"class {','.join(nodes)} {look}"


def _lab(plan: Plan) -> Lab:
    """What the stack told, without what is secret, and with what it will have."""
    told = {name: plan.outputs[name] for name in DRAWN if name in plan.outputs}
    try:
        lab = Lab.model_validate({"kind": "", **told})
    except ValidationError:
        lab = Lab(kind="")
    there = {guest.vmid for guest in lab.guests.values()}
    new = {guest.name: guest for part in plan.parts if (guest := _guest(part, lab)) and guest.vmid not in there}
    hosts = {guest.host: Host(node=guest.node) for guest in new.values() if guest.host not in lab.hosts}
    return lab.model_copy(update={"guests": {**new, **lab.guests}, "hosts": {**lab.hosts, **hosts}})


def _guest(part: Part, lab: Lab) -> Guest | None:
    """A guest of the plan that the stack has not told of; none where its place or its VMID is not known yet."""
    values = part.after or part.before
    node, vmid = values.get("node"), _vmid(part)
    if part.type not in GUESTS or not vmid or not isinstance(node, str):
        return None
    connection = values.get("connection")
    hosts = [name for name, host in lab.hosts.items() if host.node == node and host.connection in (None, connection)]
    return Guest.model_validate(
        {
            "name": str(values.get("name") or values.get("hostname") or part.name),
            "type": GUESTS[part.type],
            "vmid": vmid,
            "node": node,
            "host": hosts[0] if hosts else node,
            "nics": _nics(values, lab),
        }
    )


def _vmid(part: Part) -> int:
    """0 where it is not known yet."""
    vmid = (part.after or part.before).get("vmid")
    return int(vmid) if isinstance(vmid, int | float) else 0


def _nics(values: Values, lab: Lab) -> dict[str, Nic]:
    """In the networks of the lab that their bridges and tags are."""
    networks = {
        (network.bridge, None if network.vnet else network.vlan): name for name, network in lab.networks.items()
    }
    found, macs = {}, values.get("macs")
    for slot, nic in (values.get("net") or {}).items():
        if isinstance(nic, Mapping):
            tag = nic.get("tag")
            where = str(nic.get("bridge")), int(tag) if isinstance(tag, int | float) else None
            mac = macs.get(slot) if isinstance(macs, Mapping) else None
            found[slot] = Nic(mac=str(mac or ""), network=networks.get(where))
    return found
