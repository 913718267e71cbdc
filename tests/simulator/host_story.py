"""What the recorded story of a single host needs to be told again, and where it is told differently here, with why."""

from __future__ import annotations

from tests.simulator.conftest import HOST_FILES, RECORDED_HOST
from tests.simulator.replay import Call, clock, wait

TOPOLOGY = RECORDED_HOST.replace("{cpus", "{nics: [eno1, eno2, eno3], cpus").rstrip("\n") + HOST_FILES

_UEFI = {
    "vmid": 104, "name": "uefi", "bios": "ovmf", "machine": "q35", "memory": 256,
    "efidisk0": "local-lvm:1,efitype=4m,pre-enrolled-keys=1", "tpmstate0": "local-lvm:1,version=v2.0",
}  # fmt: skip
_SNAPSHOT_BEGAN: Call = ("control", "guests", {"vmid": 108, "lock": "snapshot"})

BEFORE: dict[str, tuple[Call, ...]] = {
    "storage.create-nfs-disabled": (("DELETE", "/storage/nfs1", {}),),
    "storage.node-list": (("DELETE", "/storage/thin", {}), ("DELETE", "/storage/zfs", {})),
    "qc.efi-tpm-config": (("POST", "/nodes/pve1/qemu", _UEFI),),
    "lc.list-empty": (_SNAPSHOT_BEGAN,),
    "nw.list-after-reload": (("PUT", "/nodes/pve1/network", {}),),
    "nw.list-final": (("PUT", "/nodes/pve1/network", {}),),
    "ha.index": (clock("held"),),
    "ha.status-current2": (wait(10),),
    "ha.status-current3": (wait(30),),
    "ha.remove": (clock("immediate"),),
    "tk.long-running": (clock("held"),),
    "tk.stopped-status": (clock("immediate"),),
    "cc.config-during-create-task": (clock("held"),),
    "cc.config-later": (clock("immediate"),),
    "cc.clone-nowait": (clock("held"),),
    "cc.clone-delete-source": (clock("immediate"),),
}
"""What happened before a record and is not among the records, and where its moment within a task matters."""

WITHIN = {"ha.status-current2": 40, "ha.resources-cluster": 20}
"""How many seconds the HA manager may take until it has come as far as on the recorded host."""

_REACHABLE = "every server, volume group and pool that a storage names is there"
_BRIDGES = "the recorded host had no real bridges; here the zone `zv` finds its bridge"
_NO_BACKUPS = "the simulator makes no backups"
_LAGS = "lists on the recorded host lagged some seconds behind what had happened; here they show what is"

DISAGREEMENTS: dict[str, str] = {
    "storage.create-nfs-dead": _REACHABLE,
    "storage.create-lvmthin-bad": _REACHABLE,
    "storage.create-zfs-bad": _REACHABLE,
    "cl.clone-running-later": _LAGS,
    "del.resources-after": _LAGS,
    "st.resources-0s": _LAGS,
    "st.resources-after-start-0s": _LAGS,
    "st.resources-after-rename-0s": _LAGS,
    "lp.interfaces": "the recorded container had no working network; here it has its address",
    "lm.template-config": "the real call answers before its work is done",
    "lm.template-start": "it waited there for the call before it",
    "sdn.node-zones": _BRIDGES,
    "nm.cluster-resources-all": _BRIDGES,
    "ex.html": "the simulator has no pages for browsers to look at the API with",
    "ex.png": "as above",
    "vz.delete-protected": _NO_BACKUPS,
    "vz.notes": _NO_BACKUPS,
    "vz.content2": _NO_BACKUPS,
    "vz.restore": _NO_BACKUPS,
    "vz.restore-config": _NO_BACKUPS,
    "vz.restore-existing": _NO_BACKUPS,
    "vz.restore-force": _NO_BACKUPS,
    "vz.restore-delete": _NO_BACKUPS,
    "vz.delete": _NO_BACKUPS,
    "tk.list-vmid": _NO_BACKUPS,
    "tk.cluster": _NO_BACKUPS,
    "tk.status": _NO_BACKUPS,
    "tk.log-limit": _NO_BACKUPS,
}

NOT_SIMULATED = frozenset(
    {
        "base.node-capabilities-machines", "base.node-capabilities-cpu", "base.node-rrddata", "base.cluster-config",
        "base.cluster-config-nodes", "base.cluster-config-join", "base.cluster-log", "storage.prunebackups",
        "pw.vncproxy", "pw.sendkey", "vz.no-vm", "vz.bad-storage", "vz.missing-storage", "vz.no-selection",
        "vz.lxc-stop", "vz.extract-config", "nm.aplinfo", "nm.aplinfo-download-missing", "nm.hardware-pci",
        "nm.hardware-usb", "nm.startall", "nm.stopall", "nm.bad-status-cmd", "nm.bulk-start", "nm.custom-cpu-list",
        "nm.custom-cpu-add",
    }
)  # fmt: skip
"""Records of methods that the simulator does not have."""
