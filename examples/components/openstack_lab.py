"""A lab for OpenStack on one host: nodes for Kolla Ansible, a container to run it from, and its settings as a file."""

import pulumi

from components.golden_template import Image
from components.openstack_args import Host, Nodes, OpenStackLabArgs, Template
from components.openstack_deployers import Machine
from components.openstack_lab import OpenStackLab

lab = OpenStackLab(
    "lab",
    OpenStackLabArgs(
        deployer="kolla",
        domain="openstack.example",
        hosts={
            "host1": Host(
                node="pve1", card="ens1f0", outside="192.0.2.10/24", gateway="192.0.2.1", memory="128G", disk="2T"
            )
        },
        template=Template(
            image=Image(
                url="https://images.example.org/ubuntu-24.04-server-cloudimg-amd64.img",
                checksum="5d482e1f7b0ac36e92d4f8167a3c0be59d71f2a84c6e3b9005f1d7e28a4bc693",
            )
        ),
        ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
        nodes=Nodes(count=2, size=Machine(cores=4, memory=16384, disk="60G"), osd_disks=1),
        proxy_outside="192.0.2.20/24",
    ),
)
for name, value in lab.exports.of("openstack-lab").items():
    pulumi.export(name, value)
