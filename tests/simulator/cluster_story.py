"""What the recorded story of a cluster needs to be told again, and in what it is told differently here, with why."""

from __future__ import annotations

from tests.simulator.conftest import HOST_FILES, RECORDED_CLUSTER
from tests.simulator.replay import Call, clock, power, wait

TOPOLOGY = (
    RECORDED_CLUSTER.rstrip("\n")
    + '\n      local-lvm: {type: dir, path: /var/lib/vz-lvm, content: "rootdir,images", size: 250G}'
    + HOST_FILES
)


GROUPS = (
    "proxy", "storage", "guest", "migrate", "clone", "lxc", "freshness", "cluster-misc", "sdn", "http", "one-down",
    "no-quorum", "recovery", "ha", "ha-rules", "ha-fence", "ha-maintenance", "ha-isolate",
)  # fmt: skip
_FORMED = "how the cluster came to be; test_cluster_formation.py tells it"
NOT_TOLD = {
    "a-precluster": _FORMED,
    "a-create": _FORMED,
    "a-join": _FORMED,
    "create": _FORMED,
    "join": _FORMED,
    "join3": _FORMED,
}
"""Groups of records that are not played, and what they are about."""


def _maintenance(*, on: bool) -> Call:
    return ("control", "maintenance", {"node": "pve1", "maintenance": on})


_FRESH: tuple[Call, ...] = (
    *(("POST", "/nodes/pve2/qemu", {"vmid": vmid, "name": f"fr{vmid - 400}"}) for vmid in range(404, 410)),
    ("DELETE", "/nodes/pve2/qemu/404", {}),
    ("POST", "/nodes/pve1/qemu", {"vmid": 450, "name": "race"}),
)
"""What the measurements of the group `freshness` left behind."""

BEFORE: dict[str, tuple[Call, ...]] = {
    "mig2.stop-103": (
        ("POST", "/nodes/pve2/qemu/103/migrate", {"target": "pve1"}),
        ("POST", "/nodes/pve1/qemu/103/status/start", {}),
    ),
    "ct2.clone-target-local": (("POST", "/nodes/pve1/lxc/302/migrate", {"target": "pve2"}),),
    "fresh.race-same-vmid": _FRESH,
    "down.timeline-pve3": (power("pve3", online=False),),
    "nq.timeline": (power("pve2", online=False),),
    "rec.timeline-pve2": (power("pve2", online=True),),
    "rec.time-pve3": (power("pve3", online=True),),
    "ha.add-101": (clock("held"), ("until", "", {"second": 1})),
    "ha.current": (wait(10),),
    "har.node-affinity": (wait(45),),
    "har.mig-against-rule": (wait(45),),
    "har.after-mig": (wait(12),),
    "har.strict": (wait(30),),
    "har.mig-strict": (wait(45),),
    "har.neg": (wait(15), ("PUT", "/cluster/ha/resources/vm:103", {"state": "started"})),
    "har.mig-onto-negative": (wait(45),),
    "har.pos-conflict": (wait(120),),
    "haf.before": (
        ("DELETE", "/cluster/ha/rules/ra1", {}),
        ("POST", "/cluster/ha/resources/vm:101/migrate", {"node": "pve3"}),
    ),
    "haf.mig-of-dead": (power("pve3", online=False),),
    "haf.current-8s": (wait(8),),
    "haf.current-recovered": (wait(45),),
    "haf.rejoin": (
        wait(12),
        power("pve3", online=True),
    ),
    "ham.enable": (_maintenance(on=True),),
    "ham.disable": (_maintenance(on=False),),
    "ham.after": (wait(2),),
    "iso.vm-config": (
        ("POST", "/cluster/ha/resources/vm:101/migrate", {"node": "pve3"}),
        wait(60),
        ("control", "partition", {"groups": [["pve3"]]}),
        wait(8),
    ),
}
"""What happened before a record and is not among the records, and how much time passed."""

WITHIN = {
    "haf.before": 60, "haf.manager-fence": 75, "haf.current-recovered": 80, "haf.after-rejoin": 30,
    "ham.current": 60, "ham.after": 30,
}  # fmt: skip
"""How many seconds the managers may take until they have come as far as on the recorded hosts."""

_LAGS = "lists on the recorded hosts lagged some seconds behind what had happened; here they show what is"
_MEASURED = "it lists tasks of measurements, which are not among the records"

_LOGGED = "the cluster's log tells of logins and measurements that are not among the records"

DISAGREEMENTS: dict[str, str] = {
    "ct2.where": _LAGS,
    "down.resources": _LAGS,
    "nq.resources": _LAGS,
    "haf.resources": _LAGS,
    "down.req-status": "the first call of a dead node ran into a time limit there; here it is refused at once",
    "down.tasks": _MEASURED,
    "nq.get~7": _MEASURED,
    "nq.get~25": _MEASURED,
    "haf.tasks": _MEASURED,
    "nq.get~26": "the recorded host had a bridge without a network card",
    "nq.get~8": _LOGGED,
    "haf.log": _LOGGED,
    "nq.get~31": "the certificates are the simulator's own",
    "iso.vm-current": "there the managers were about to move the machine when the network was cut",
    "ham.after": "there the node that had been fenced still waited for its old lock to expire",
}

NOT_SIMULATED: frozenset[str] = frozenset()
"""Records of methods that the simulator does not have."""
