"""A private network between two containers and a machine elsewhere, for which the files come out (tinc)."""

import pulumi

from components.vpn_mesh import Member, Net, VpnMesh, VpnMeshArgs
from providers.container import Container

ADDRESSES = {"gw1": "192.0.2.61", "gw2": "192.0.2.62"}

gateways = {
    name: Container(
        name,
        hostname=name,
        node="pve1",
        ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
        memory=256,
        rootfs={"storage": "local-lvm", "size": "4G"},
        net={"net0": {"name": "eth0", "bridge": "vmbr0", "ip": f"{address}/24", "gw": "192.0.2.1"}},
    )
    for name, address in ADDRESSES.items()
}
members = {
    name: Member(endpoint=ADDRESSES[name], address=f"10.99.0.{place}/24", vmid=gateways[name].vmid)
    for place, name in enumerate(gateways, 1)
}
mesh = VpnMesh(
    "private",
    VpnMeshArgs(
        net=Net(name="private", port=655),
        members={**members, "laptop": Member(endpoint="laptop.example.org", address="10.99.0.9/24")},
    ),
)
pulumi.export("laptop", mesh.files.apply(lambda files: files["laptop"]))  # a secret: its key is among them
