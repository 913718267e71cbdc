"""Named formats of guests' and storages' options."""

from __future__ import annotations

import re

from simulator.formats import check_format, named_format, split_list
from simulator.schema import PropertyString, boolean, integer, string

CONTENT_TYPES = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "none", "import")
HOTPLUG_FEATURES = ("network", "disk", "cpu", "memory", "usb", "cloudinit")
CPU_MODELS = frozenset(
    [
        "486",
        "Broadwell",
        "Broadwell-IBRS",
        "Broadwell-noTSX",
        "Broadwell-noTSX-IBRS",
        "Cascadelake-Server",
        "Cascadelake-Server-noTSX",
        "Cascadelake-Server-v2",
        "Cascadelake-Server-v4",
        "Cascadelake-Server-v5",
        "ClearwaterForest",
        "Conroe",
        "Cooperlake",
        "Cooperlake-v2",
        "Dhyana",
        "EPYC",
        "EPYC-Genoa",
        "EPYC-IBPB",
        "EPYC-Milan",
        "EPYC-Milan-v2",
        "EPYC-Rome",
        "EPYC-Rome-v2",
        "EPYC-Rome-v3",
        "EPYC-Rome-v4",
        "EPYC-Turin",
        "EPYC-v3",
        "EPYC-v4",
        "GraniteRapids",
        "Haswell",
        "Haswell-IBRS",
        "Haswell-noTSX",
        "Haswell-noTSX-IBRS",
        "Icelake-Client",
        "Icelake-Client-noTSX",
        "Icelake-Server",
        "Icelake-Server-noTSX",
        "Icelake-Server-v3",
        "Icelake-Server-v4",
        "Icelake-Server-v5",
        "Icelake-Server-v6",
        "IvyBridge",
        "IvyBridge-IBRS",
        "KnightsMill",
        "Nehalem",
        "Nehalem-IBRS",
        "Opteron_G1",
        "Opteron_G2",
        "Opteron_G3",
        "Opteron_G4",
        "Opteron_G5",
        "Penryn",
        "SandyBridge",
        "SandyBridge-IBRS",
        "SapphireRapids",
        "SapphireRapids-v2",
        "SierraForest",
        "Skylake-Client",
        "Skylake-Client-IBRS",
        "Skylake-Client-noTSX-IBRS",
        "Skylake-Client-v4",
        "Skylake-Server",
        "Skylake-Server-IBRS",
        "Skylake-Server-noTSX-IBRS",
        "Skylake-Server-v4",
        "Skylake-Server-v5",
        "Westmere",
        "Westmere-IBRS",
        "athlon",
        "core2duo",
        "coreduo",
        "cortex-a35",
        "cortex-a53",
        "cortex-a55",
        "cortex-a57",
        "cortex-a710",
        "cortex-a72",
        "cortex-a76",
        "host",
        "kvm32",
        "kvm64",
        "max",
        "neoverse-n1",
        "neoverse-n2",
        "neoverse-v1",
        "pentium",
        "pentium2",
        "pentium3",
        "phenom",
        "qemu32",
        "qemu64",
        "a64fx",
        "x86-64-v2",
        "x86-64-v2-AES",
        "x86-64-v3",
        "x86-64-v4",
    ]
)
CPU = PropertyString(
    {
        "cputype": string(default_key=True, pattern=r"(custom-)?[a-zA-Z0-9\-_]+", optional=True),
        "reported-model": string(enum=tuple(sorted(CPU_MODELS)), optional=True),
        "hidden": boolean(optional=True),
        "hv-vendor-id": string(pattern=r"[a-zA-Z0-9]{1,12}", optional=True),
        "flags": string(pattern=r"[+-][a-zA-Z0-9\-_.]+(?:;[+-][a-zA-Z0-9\-_.]+)*", optional=True),
        "phys-bits": string(pattern=r"host|[89]|[1-5][0-9]|6[0-4]", optional=True),
        "guest-phys-bits": integer(minimum=32, maximum=64, optional=True),
    }
)
PRUNE_BACKUPS = PropertyString(
    {
        "keep-all": boolean(optional=True),
        **{
            f"keep-{period}": integer(minimum=0, optional=True)
            for period in ("last", "hourly", "daily", "weekly", "monthly", "yearly")
        },
    }
)
_BOOT = PropertyString(
    {
        "legacy": string(default_key=True, pattern=r"[acdn]{1,4}", optional=True),
        "order": string(format="pve-qm-bootdev-list", optional=True),
    }
)
_BOOT_DEVICE = re.compile(r"(?:ide[0-3]|sata[0-5]|scsi(?:\d|[12]\d|30)|virtio(?:\d|1[0-5])|net\d+|usb\d+|hostpci\d+)")
_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?|\[?[0-9a-fA-F:]+\]?"


@named_format("pve-qm-boot")
def _boot(value: str) -> None:
    _BOOT.parse(value, "boot")


@named_format("pve-qm-bootdev")
def _boot_device(value: str) -> None:
    if not _BOOT_DEVICE.fullmatch(value):
        raise ValueError(f"invalid boot device '{value}'")


@named_format("pve-qm-bootdisk")
def _boot_disk(value: str) -> None:
    if not re.fullmatch(r"(?:ide[0-3]|sata[0-5]|scsi(?:\d|[12]\d|30)|virtio(?:\d|1[0-5]))", value):
        raise ValueError(f"invalid boot disk '{value}'")


@named_format("pve-vm-cpu-conf")
def _cpu(value: str) -> None:
    model = CPU.parse(value, "cpu").get("cputype")
    if model is not None and model not in CPU_MODELS and not model.startswith("custom-"):
        raise ValueError(f"Built-in cputype '{model}' is not defined (missing 'custom-' prefix?)")


@named_format("pve-hotplug-features")
def _hotplug(value: str) -> None:
    if value in ("0", "1"):
        return
    for feature in split_list(value):
        if feature not in HOTPLUG_FEATURES:
            raise ValueError(f"invalid hotplug feature '{feature}'")


@named_format("pve-volume-id-or-absolute-path")
def _volume_or_path(value: str) -> None:
    if not value.startswith("/"):
        check_format("pve-volume-id", value)


@named_format("pve-volume-id-or-qm-path")
def _volume_or_word(value: str) -> None:
    if value not in ("none", "cdrom"):
        check_format("pve-volume-id-or-absolute-path", value)


@named_format("disk-size")
def _disk_size(value: str) -> None:
    if not re.fullmatch(r"\d+(?:\.\d+)?[KMGT]?", value, re.ASCII):
        raise ValueError(f"value '{value}' does not look like a valid disk size")


@named_format("pve-lxc-mp-string")
def _mount_path(value: str) -> None:
    if re.search(r"/\.\.?(?:/|$)", value):
        raise ValueError(f"{value} contains illegal character sequences\n")


@named_format("pve-lxc-dev-string")
def _device_path(value: str) -> None:
    if re.search(r"/\.\.?(?:/|$)", value) or not value.startswith("/dev/"):
        raise ValueError(f"{value} is not a valid device path")


@named_format("lxc-ip-with-ll-iface")
def _address_with_interface(value: str) -> None:
    address, _, interface = value.partition("%")
    if value != "host" and not (interface and address.lower().startswith("fe80:")):
        check_format("ip", value)


@named_format("pve-ct-timezone")
def _timezone(value: str) -> None:
    if value != "host" and not re.fullmatch(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*", value):
        raise ValueError(f"invalid time zone '{value}'")


@named_format("pve-storage-content")
def _content(value: str) -> None:
    if value not in CONTENT_TYPES:
        raise ValueError(f"invalid content type '{value}'")


@named_format("prune-backups")
def _prune_backups(value: str) -> None:
    keep = PRUNE_BACKUPS.parse(value, "prune-backups")
    if keep.get("keep-all") and len(keep) > 1:
        raise ValueError("keep-all cannot be set together with other options.")


@named_format("pve-dir-override")
def _directory_override(value: str) -> None:
    content, _, path = value.partition("=")
    if content not in CONTENT_TYPES or not path or ".." in path.split("/"):
        raise ValueError(f"invalid override '{value}'")


@named_format("pve-storage-server")
def _server(value: str) -> None:
    if not re.fullmatch(_HOST, value):
        raise ValueError("value does not look like a valid server name or IP address")


@named_format("pve-storage-portal-dns")
def _portal(value: str) -> None:
    host, _, port = value.rpartition(":")
    if not re.fullmatch(_HOST, host if port.isdigit() and host else value):
        raise ValueError("value does not look like a valid portal address")


@named_format("pve-storage-vgname")
def _volume_group(value: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9+_.\-]+", value) or value.startswith("-"):
        raise ValueError(f"lvm name '{value}' contains illegal characters")


@named_format("pve-storage-zfs-blocksize")
def _block_size(value: str) -> None:
    if not re.fullmatch(r"\d+[kKmM]?", value):
        raise ValueError(f"invalid block size '{value}'")


@named_format("pve-storage-options")
def _mount_options(value: str) -> None:
    if not re.fullmatch(r"[\w\-=.,:/@]+", value):
        raise ValueError(f"value does not look like a valid options string: {value}")
