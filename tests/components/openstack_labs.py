"""Labs for OpenStack for tests: as little as can be declared, and all of it right."""

from __future__ import annotations

from components.golden_template import Image
from components.openstack_args import Host, OpenStackLabArgs, Template

HOST = Host(node="pve1", card="ens1f0", outside="192.0.2.10/24", gateway="192.0.2.1", memory="128G", disk="2T")
SECOND = Host(node="pve2", card="ens1f0", outside="192.0.2.11/24", gateway="192.0.2.1", memory="64G", disk="1T")
THIRD = Host(node="pve3", card="ens2f0", outside="192.0.2.12/24", gateway="192.0.2.1", memory="64G", disk="1T")
LAB = OpenStackLabArgs(
    hosts={"host1": HOST},
    template=Template(image=Image(url="https://images.example.org/ubuntu.img", checksum="ab" * 32)),
    ostemplate="local:vztmpl/debian.tar.zst",
    domain="lab.example",
)
SPREAD = {"one": HOST, "two": SECOND, "three": THIRD}
