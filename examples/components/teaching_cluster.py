"""A cluster for teaching: networks, a course, and a guest for each pupil."""

import pulumi

from components.golden_template import Image, Template
from components.interfaces import Bond
from components.teaching_args import Course, Exercise, Node, NodesNetwork, TeachingClusterArgs, Team
from components.teaching_cluster import TeachingCluster

lab = TeachingCluster(
    "lab",
    TeachingClusterArgs(
        nodes={
            f"pve{n}": Node(memory="128G", disk="2T", addresses={"black": f"192.168.7.1{n}", "green": f"10.7.0.1{n}"})
            for n in (1, 2, 3)
        },
        networks={
            "black": NodesNetwork(cidr="192.168.7.0/24", gateway="192.168.7.254", bridge="vmbr0", card="eno8303"),
            "green": NodesNetwork(cidr="10.7.0.0/24", bond=Bond(slaves=("ens6f0np0", "ens6f1np1"))),
        },
        template=Template(
            name="debian-golden",
            disk="8G",
            image=Image(
                url="https://images.example.org/debian-13-genericcloud-amd64.qcow2",
                checksum="3f2a6c1d9e8b7405a1c2d3e4f5061728394a5b6c7d8e9f00112233445566778a",
            ),
        ),
        courses=(
            Course(
                name="linux",
                teachers=("kim",),
                teams=tuple(Team(name=pupil) for pupil in ("ann", "ben", "eve")),
                exercises=(Exercise(name="web", memory=1024, disk="10G"),),
            ),
        ),
    ),
)
for name, value in lab.exports.of("teaching-cluster").items():
    pulumi.export(name, value)
