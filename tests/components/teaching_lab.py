"""A cluster for teaching for tests: as little as can be declared, and all of it right."""

from __future__ import annotations

from components.golden_template import Image, Template
from components.interfaces import Bond
from components.teaching_args import (
    Backups,
    Course,
    Dns,
    Exercise,
    Firewall,
    Node,
    NodesNetwork,
    TeachingClusterArgs,
    Team,
)

NODES = {
    f"pve{n}": Node(memory="16G", disk="500G", addresses={"black": f"192.0.2.1{n}", "green": f"10.7.0.1{n}"})
    for n in (1, 2, 3)
}
BLACK = NodesNetwork(cidr="192.0.2.0/24", gateway="192.0.2.254", bridge="vmbr0", card="eno8303")
GREEN = NodesNetwork(cidr="10.7.0.0/24", bond=Bond(slaves=("ens6f0np0", "ens6f1np1")))
COURSE = Course(
    name="linux",
    teachers=("kim",),
    teams=(Team(name="ann"), Team(name="red", pupils=("eve", "joe"))),
    exercises=(
        Exercise(name="web", memory=1024, disk="10G", count=2),
        Exercise(name="db", memory=2048, disk="16G", backup=False),
    ),
    vmids="5000-5099",
)
LAB = TeachingClusterArgs(
    nodes=NODES,
    networks={"black": BLACK, "green": GREEN},
    template=Template(
        name="golden", disk="8G", image=Image(url="https://images.example.org/d.qcow2", checksum="ab" * 32)
    ),
    courses=(COURSE,),
    firewall=Firewall(management={"teachers": "192.0.2.32/28"}),
    backup=Backups(schedule="mon..fri 22:30", keep={"keep_daily": 7}),
    dns=Dns(servers=("192.0.2.254",), search="classroom.example"),
)
