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
_UNTOLD = "it is about a failed backup of a machine, which is not among the records"
_OWN_DEVICES = "the devices are the recorded machine's own"
_NO_KVM = "machines could not start on the recorded host by then"
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
    "base.node-rrddata": "the recorded host had just been installed and had no past",
    "pw.vncproxy": "the password of a console is another one each time",
    "vz.content2": "the size of a container's archive depends on its files",
    "tk.list-vmid": _UNTOLD,
    "tk.cluster": _UNTOLD,
    "tk.status": _UNTOLD,
    "tk.log-limit": _UNTOLD,
    "nm.aplinfo": "the list of appliances is Proxmox's own and changes",
    "nm.hardware-pci": _OWN_DEVICES,
    "nm.hardware-usb": _OWN_DEVICES,
    "nm.startall": _NO_KVM,
    "nm.stopall": _NO_KVM,
    "nm.bulk-start": _NO_KVM,
    "cc.resources": _NO_KVM,
    "st.resources-after-delete-0s": _NO_KVM,
    "st.resources-ct": _NO_KVM,
}

NOT_SIMULATED: frozenset[str] = frozenset()
"""Records of methods that the simulator does not have."""
