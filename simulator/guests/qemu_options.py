"""Every option of a virtual machine's configuration, with its checks."""

from __future__ import annotations

from simulator.schema import Param, PropertyString, boolean, expand, integer, number, string

_FORMATS = ("raw", "qcow", "qed", "qcow2", "vmdk", "cloop")
_CPU_SET = r"\d+(?:-\d+)?(?:;\d+(?:-\d+)?)*"
_SLASHED_HEX = r"(?:[0-9A-Fa-f]{4,}:)?[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}(?:\.[0-9A-Fa-f])?)?"
_BASE64 = r"[A-Za-z0-9+\/]+={0,2}"
NIC_MODELS = (
    "e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er",
    "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3",
)  # fmt: skip
KEYBOARDS = (
    "de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja",
    "lt", "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr",
)  # fmt: skip
LOCKS = ("backup", "clone", "create", "migrate", "rollback", "snapshot", "snapshot-delete", "suspending", "suspended")
_VOLUME = {
    "file": string(format="pve-volume-id-or-qm-path", default_key=True),
    "volume": string(alias="file"),
    "import-from": string(format="pve-volume-id-or-absolute-path", optional=True),
    "size": string(format="disk-size", optional=True),
}
_LIMITS = {
    **{f"{unit}{suffix}": integer(optional=True) for unit in ("bps", "iops") for suffix in ("", "_rd", "_wr")},
    **{f"mbps{suffix}": number(optional=True) for suffix in ("", "_rd", "_wr", "_max", "_rd_max", "_wr_max")},
    **{f"iops{suffix}_max": integer(optional=True) for suffix in ("", "_rd", "_wr")},
    **{
        f"{unit}{suffix}_max_length": integer(minimum=1, optional=True)
        for unit in ("bps", "iops")
        for suffix in ("", "_rd", "_wr")
    },
    **{
        f"{unit}{suffix}_length": string(alias=f"{unit}{suffix}_max_length")
        for unit in ("bps", "iops")
        for suffix in ("_rd", "_wr")
    },
}
_DRIVE = {
    **_VOLUME,
    **_LIMITS,
    "aio": string(enum=("native", "threads", "io_uring"), optional=True),
    "backup": boolean(optional=True),
    "cache": string(enum=("none", "writethrough", "writeback", "unsafe", "directsync"), optional=True),
    "detect_zeroes": boolean(optional=True),
    "discard": string(enum=("ignore", "on"), optional=True),
    "format": string(enum=_FORMATS, optional=True),
    "media": string(enum=("cdrom", "disk"), optional=True),
    "replicate": boolean(optional=True),
    "rerror": string(enum=("ignore", "report", "stop"), optional=True),
    "serial": string(format="urlencoded", max_length=60, optional=True),
    "shared": boolean(optional=True),
    "snapshot": boolean(optional=True),
    "werror": string(enum=("enospc", "ignore", "report", "stop"), optional=True),
}
_SSD = {"ssd": boolean(optional=True), "wwn": string(pattern=r"(0x)[0-9a-fA-F]{16}", optional=True)}
_THREADED = {"iothread": boolean(optional=True), "ro": boolean(optional=True)}
_NAME = r"[A-Za-z0-9\-_\s]{{,{}}}"
IDE = PropertyString(
    {**_DRIVE, **_SSD, "model": string(format="urlencoded", max_length=120, optional=True)}, name="pve-qm-ide"
)
SATA = PropertyString({**_DRIVE, **_SSD})
VIRTIO = PropertyString({**_DRIVE, **_THREADED})
SCSI = PropertyString(
    {
        **_DRIVE,
        **_SSD,
        **_THREADED,
        "product": string(pattern=_NAME.format(16), optional=True),
        "queues": integer(minimum=2, optional=True),
        "scsiblock": boolean(optional=True),
        "vendor": string(pattern=_NAME.format(8), optional=True),
    }
)
EFIDISK = PropertyString(
    {
        **_VOLUME,
        "efitype": string(enum=("2m", "4m"), optional=True),
        "format": string(enum=_FORMATS, optional=True),
        "ms-cert": string(enum=("2011", "2023", "2023w", "2023k"), optional=True),
        "pre-enrolled-keys": boolean(optional=True),
    }
)
TPMSTATE = PropertyString(
    {
        **_VOLUME,
        "format": string(enum=("raw", "qcow2", "vmdk"), optional=True),
        "version": string(enum=("v1.2", "v2.0"), optional=True),
    }
)
UNUSED = PropertyString({"file": string(format="pve-volume-id", default_key=True), "volume": string(alias="file")})
NET = PropertyString(
    {
        "model": string(enum=NIC_MODELS, default_key=True),
        **{model: string(alias="macaddr", key_alias="model") for model in NIC_MODELS},
        "macaddr": string(format="mac-addr", optional=True),
        "bridge": string(format="pve-bridge-id", optional=True),
        "firewall": boolean(optional=True),
        "host-tunnel": boolean(optional=True),
        "link_down": boolean(optional=True),
        "mtu": integer(minimum=1, maximum=65520, optional=True),
        "queues": integer(minimum=0, maximum=64, optional=True),
        "rate": number(minimum=0, optional=True),
        "tag": integer(minimum=1, maximum=4094, optional=True),
        "trunks": string(pattern=_CPU_SET, optional=True),
    }
)
IPCONFIG = PropertyString(
    {
        "ip": string(format="pve-ipv4-config", optional=True),
        "gw": string(format="ipv4", optional=True, requires="ip"),
        "ip6": string(format="pve-ipv6-config", optional=True),
        "gw6": string(format="ipv6", optional=True, requires="ip6"),
    },
    name="pve-qm-ipconfig",
)
AGENT = PropertyString(
    {
        "enabled": boolean(default_key=True),
        "freeze-fs": boolean(optional=True),
        "freeze-fs-on-backup": string(alias="freeze-fs"),
        "fstrim_cloned_disks": boolean(optional=True),
        "guest-fsfreeze": string(alias="freeze-fs"),
        "type": string(enum=("virtio", "isa"), optional=True),
    }
)
MEMORY = PropertyString({"current": integer(minimum=16, default_key=True)})
CICUSTOM = PropertyString(
    {part: string(format="pve-volume-id", optional=True) for part in ("meta", "network", "user", "vendor")},
    name="pve-qm-cicustom",
)
VGA = PropertyString(
    {
        "type": string(
            default_key=True,
            optional=True,
            enum=("cirrus", "qxl", "qxl2", "qxl3", "qxl4", "none", "serial0", "serial1", "serial2", "serial3", "std",
                  "virtio", "virtio-gl", "vmware"),
        ),
        "clipboard": string(enum=("vnc",), optional=True),
        "memory": integer(minimum=4, maximum=512, optional=True),
    }
)  # fmt: skip
SMBIOS1 = PropertyString(
    {
        "uuid": string(pattern=r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}", optional=True),
        "base64": boolean(optional=True),
        **{
            name: string(pattern=rf"(?:{_BASE64}|[^,]+)", optional=True)
            for name in ("family", "manufacturer", "product", "serial", "sku", "version")
        },
    },
    name="pve-qm-smbios1",
)
HOSTPCI = PropertyString(
    {
        "host": string(default_key=True, pattern=rf"{_SLASHED_HEX}(?:;{_SLASHED_HEX})*", optional=True),
        "mapping": string(format="pve-configid", optional=True),
        "rombar": boolean(optional=True),
        "romfile": string(pattern=r"[^,;]+", optional=True),
        "driver": string(enum=("vfio", "keep"), optional=True),
        "pcie": boolean(optional=True),
        "x-vga": boolean(optional=True),
        "legacy-igd": boolean(optional=True),
        "mdev": string(pattern=r"[^/\.:]+", optional=True),
        **{
            name: string(pattern=r"0x[0-9a-fA-F]{4}", optional=True)
            for name in ("vendor-id", "device-id", "sub-vendor-id", "sub-device-id")
        },
    },
    name="pve-qm-hostpci",
)
USB = PropertyString(
    {
        "host": string(
            default_key=True,
            pattern=r"(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\d+\-\d+(?:\.\d+)*|[Ss][Pp][Ii][Cc][Ee]",
            optional=True,
        ),
        "mapping": string(format="pve-configid", optional=True),
        "usb3": boolean(optional=True),
    }
)
NUMA = PropertyString(
    {
        "cpus": string(pattern=_CPU_SET),
        "hostnodes": string(pattern=_CPU_SET, optional=True),
        "memory": number(optional=True),
        "policy": string(enum=("preferred", "bind", "interleave"), optional=True),
    }
)
MACHINE = PropertyString(
    {
        "type": string(
            default_key=True,
            max_length=40,
            pattern=r"(pc|pc(-i440fx)?-\d+(\.\d+)+(\+pve\d+)?(\.pxe)?|q35|pc-q35-\d+(\.\d+)+(\+pve\d+)?(\.pxe)?"
            r"|virt(?:-\d+(\.\d+)+)?(\+pve\d+)?)",
            optional=True,
        ),
        "aw-bits": number(minimum=32, maximum=64, optional=True),
        "enable-s3": boolean(optional=True),
        "enable-s4": boolean(optional=True),
        "viommu": string(enum=("intel", "virtio"), optional=True),
    }
)
AUDIO = PropertyString(
    {
        "device": string(enum=("ich9-intel-hda", "intel-hda", "AC97")),
        "driver": string(enum=("spice", "none"), optional=True),
    }
)
RNG = PropertyString(
    {
        "source": string(default_key=True, enum=("/dev/urandom", "/dev/random", "/dev/hwrng")),
        "max_bytes": integer(optional=True),
        "period": integer(optional=True),
    },
    name="pve-qm-rng",
)
WATCHDOG = PropertyString(
    {
        "model": string(default_key=True, enum=("i6300esb", "ib700"), optional=True),
        "action": string(enum=("reset", "shutdown", "poweroff", "pause", "debug", "none"), optional=True),
    },
    name="pve-qm-watchdog",
)
SEV = PropertyString(
    {
        "type": string(default_key=True, enum=("std", "es", "snp")),
        **{
            name: boolean(optional=True)
            for name in ("no-debug", "no-key-sharing", "allow-smt", "kernel-hashes")
        },
    },
    name="pve-qemu-sev-fmt",
)  # fmt: skip
TDX = PropertyString(
    {
        "type": string(default_key=True, enum=("tdx",)),
        "attestation": boolean(optional=True),
        "vsock-cid": integer(optional=True),
        "vsock-port": integer(optional=True),
    },
    name="pve-qemu-tdx-fmt",
)
IVSHMEM = PropertyString({"name": string(pattern=r"[a-zA-Z0-9\-]+", optional=True), "size": integer(minimum=1)})
SPICE = PropertyString(
    {
        "foldersharing": boolean(optional=True),
        "videostreaming": string(enum=("off", "all", "filter"), optional=True),
    }
)
VIRTIOFS = PropertyString(
    {
        "dirid": string(format="pve-configid", default_key=True),
        "cache": string(enum=("auto", "always", "metadata", "never"), optional=True),
        "direct-io": boolean(optional=True),
        "expose-acl": boolean(optional=True),
        "expose-xattr": boolean(optional=True),
    }
)
_FLAG = boolean(optional=True)
CLOUDINIT_OPTIONS: dict[str, Param] = {
    "cicustom": string(format=CICUSTOM, optional=True),
    "cipassword": string(optional=True),
    "citype": string(enum=("configdrive2", "nocloud", "opennebula"), optional=True),
    "ciupgrade": _FLAG,
    "ciuser": string(optional=True),
    "ipconfig[n]": string(format=IPCONFIG, count=32, optional=True),
    "nameserver": string(format="address-list", optional=True),
    "searchdomain": string(optional=True),
    "sshkeys": string(format="urlencoded", optional=True),
}
_DISKS: dict[str, Param] = {
    "ide[n]": string(format=IDE, count=4, optional=True),
    "sata[n]": string(format=SATA, count=6, optional=True),
    "scsi[n]": string(format=SCSI, count=31, optional=True),
    "virtio[n]": string(format=VIRTIO, count=16, optional=True),
    "efidisk0": string(format=EFIDISK, optional=True),
    "tpmstate0": string(format=TPMSTATE, optional=True),
    "unused[n]": string(format=UNUSED, count=256, optional=True),
}
_DEVICES: dict[str, Param] = {
    "audio0": string(format=AUDIO, optional=True),
    "hostpci[n]": string(format=HOSTPCI, count=16, optional=True),
    "ivshmem": string(format=IVSHMEM, optional=True),
    "net[n]": string(format=NET, count=32, optional=True),
    "numa[n]": string(format=NUMA, count=8, optional=True),
    "parallel[n]": string(pattern=r"/dev/parport\d+|/dev/usb/lp\d+", count=3, optional=True),
    "rng0": string(format=RNG, optional=True),
    "serial[n]": string(pattern=r"(/dev/[^,]+|socket)", count=4, optional=True),
    "usb[n]": string(format=USB, count=14, optional=True),
    "virtiofs[n]": string(format=VIRTIOFS, count=10, optional=True),
    "watchdog": string(format=WATCHDOG, optional=True),
}
QEMU_OPTIONS: dict[str, Param] = {
    **CLOUDINIT_OPTIONS,
    **_DISKS,
    **_DEVICES,
    "acpi": _FLAG,
    "affinity": string(format="pve-cpuset", optional=True),
    "agent": string(format=AGENT, optional=True),
    "allow-ksm": _FLAG,
    "amd-sev": string(format=SEV, optional=True),
    "arch": string(enum=("x86_64", "aarch64"), optional=True),
    "args": string(optional=True),
    "autostart": _FLAG,
    "balloon": integer(minimum=0, optional=True),
    "bios": string(enum=("seabios", "ovmf"), optional=True),
    "boot": string(format="pve-qm-boot", optional=True),
    "bootdisk": string(format="pve-qm-bootdisk", pattern=r"(ide|sata|scsi|virtio)\d+", optional=True),
    "cores": integer(minimum=1, optional=True),
    "cpu": string(format="pve-vm-cpu-conf", optional=True),
    "cpulimit": number(minimum=0, maximum=128, optional=True),
    "cpuunits": integer(minimum=1, maximum=262144, optional=True),
    "description": string(max_length=8192, optional=True),
    "freeze": _FLAG,
    "hookscript": string(format="pve-volume-id", optional=True),
    "hotplug": string(format="pve-hotplug-features", optional=True),
    "hugepages": string(enum=("any", "2", "1024"), optional=True),
    "intel-tdx": string(format=TDX, optional=True),
    "keephugepages": _FLAG,
    "keyboard": string(enum=KEYBOARDS, optional=True),
    "kvm": _FLAG,
    "localtime": _FLAG,
    "lock": string(enum=LOCKS, optional=True),
    "machine": string(format=MACHINE, optional=True),
    "memory": string(format=MEMORY, optional=True),
    "migrate_downtime": number(minimum=0, optional=True),
    "migrate_speed": integer(minimum=0, optional=True),
    "name": string(format="dns-name", optional=True),
    "numa": _FLAG,
    "onboot": _FLAG,
    "ostype": string(
        enum=("other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26",
              "solaris"),
        optional=True,
    ),
    "protection": _FLAG,
    "reboot": _FLAG,
    "scsihw": string(
        enum=("lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"), optional=True
    ),
    "shares": integer(minimum=0, maximum=50000, optional=True),
    "smbios1": string(format=SMBIOS1, max_length=512, optional=True),
    "smp": integer(minimum=1, optional=True),
    "sockets": integer(minimum=1, optional=True),
    "spice_enhancements": string(format=SPICE, optional=True),
    "startdate": string(pattern=r"(now|\d{4}-\d{1,2}-\d{1,2}(T\d{1,2}:\d{1,2}:\d{1,2})?)", optional=True),
    "startup": string(format="pve-startup-order", optional=True),
    "tablet": _FLAG,
    "tags": string(format="pve-tag-list", optional=True),
    "tdf": _FLAG,
    "template": _FLAG,
    "vcpus": integer(minimum=1, optional=True),
    "vga": string(format=VGA, optional=True),
    "vmgenid": string(
        pattern=r"(?:[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01])", optional=True
    ),
    "vmstatestorage": string(format="pve-storage-id", optional=True),
}  # fmt: skip
# What a request may also carry but no configuration keeps under this name.
REQUEST_ONLY: dict[str, Param] = {"cdrom": string(format=IDE, optional=True), "force": boolean(optional=True)}
EXPANDED = expand(QEMU_OPTIONS)
CLOUDINIT_KEYS = frozenset(expand(CLOUDINIT_OPTIONS))
