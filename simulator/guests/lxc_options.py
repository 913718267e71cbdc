"""Every option of a container's configuration, with its checks."""

from __future__ import annotations

from simulator.schema import Param, PropertyString, boolean, expand, integer, number, string

_MOUNT_OPTION = r"(discard|lazytime|noatime|nodev|noexec|nosuid)"
_IDMAP = r"(?:passthrough|[ug]:[0-9]+:[0-9]+:[1-9][0-9]*(?:;[ug]:[0-9]+:[0-9]+:[1-9][0-9]*)*)"
_WORD = r"[-_.\w\d]+"
_PRINTABLE = r"[^\x00-\x08\x0a-\x1F\x7F]"
LOCKS = (
    "backup", "create", "destroyed", "disk", "fstrim", "migrate", "mounted", "rollback", "snapshot", "snapshot-delete",
)  # fmt: skip
_ROOT = {
    "volume": string(format="pve-lxc-mp-string", default_key=True),
    "acl": boolean(optional=True),
    "idmap": string(pattern=_IDMAP, optional=True),
    "mountoptions": string(pattern=rf"(?:{_MOUNT_OPTION})(;(?:{_MOUNT_OPTION}))*", optional=True),
    "quota": boolean(optional=True),
    "replicate": boolean(optional=True),
    "ro": boolean(optional=True),
    "shared": boolean(optional=True),
    "size": string(format="disk-size", optional=True),
}
ROOTFS = PropertyString(_ROOT)
MOUNT_POINT = PropertyString(
    {
        **_ROOT,
        "backup": boolean(optional=True),
        "keepattrs": boolean(optional=True),
        "mp": string(format="pve-lxc-mp-string"),
    }
)
UNUSED = PropertyString({"volume": string(format="pve-volume-id", default_key=True)})
NET = PropertyString(
    {
        "name": string(pattern=_WORD),
        "bridge": string(pattern=_WORD, optional=True),
        "firewall": boolean(optional=True),
        "gw": string(format="ipv4", optional=True),
        "gw6": string(format="ipv6", optional=True),
        "host-managed": boolean(optional=True),
        "hwaddr": string(format="mac-addr", optional=True),
        "ip": string(format="pve-ipv4-config", optional=True),
        "ip6": string(format="pve-ipv6-config", optional=True),
        "link_down": boolean(optional=True),
        "mtu": integer(minimum=64, maximum=65535, optional=True),
        "rate": number(optional=True),
        "tag": integer(minimum=1, maximum=4094, optional=True),
        "trunks": string(pattern=r"\d+(?:;\d+)*", optional=True),
        "type": string(enum=("veth",), optional=True),
    }
)
FEATURES = PropertyString(
    {
        **{name: boolean(optional=True) for name in ("force_rw_sys", "fuse", "keyctl", "mknod", "nesting")},
        "mount": string(pattern=r"[a-zA-Z0-9_; ]+", optional=True),
    }
)
DEVICE = PropertyString(
    {
        "path": string(format="pve-lxc-dev-string", default_key=True, optional=True),
        "deny-write": boolean(optional=True),
        "gid": integer(minimum=0, optional=True),
        "mode": string(pattern=r"0[0-7]{3}", optional=True),
        "uid": integer(minimum=0, optional=True),
    }
)
_FLAG = boolean(optional=True)
LXC_OPTIONS: dict[str, Param] = {
    "arch": string(enum=("amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"), optional=True),
    "cmode": string(enum=("shell", "console", "tty"), optional=True),
    "console": _FLAG,
    "cores": integer(minimum=1, maximum=8192, optional=True),
    "cpulimit": number(minimum=0, maximum=8192, optional=True),
    "cpuunits": integer(minimum=0, maximum=500000, optional=True),
    "debug": _FLAG,
    "description": string(max_length=8192, optional=True),
    "dev[n]": string(format=DEVICE, count=256, optional=True),
    "entrypoint": string(pattern=rf"(?:{_PRINTABLE}+)", optional=True),
    "env": string(pattern=rf"(?:(?:\w+={_PRINTABLE}*)(?:\0\w+={_PRINTABLE}*)*)", optional=True),
    "features": string(format=FEATURES, optional=True),
    "hookscript": string(format="pve-volume-id", optional=True),
    "hostname": string(format="dns-name", max_length=255, optional=True),
    "lock": string(enum=LOCKS, optional=True),
    "memory": integer(minimum=16, optional=True),
    "mp[n]": string(format=MOUNT_POINT, count=256, optional=True),
    "nameserver": string(format="lxc-ip-with-ll-iface-list", optional=True),
    "net[n]": string(format=NET, count=32, optional=True),
    "onboot": _FLAG,
    "ostype": string(
        enum=(
            "debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos",
            "unmanaged",
        ),
        optional=True,
    ),
    "protection": _FLAG,
    "rootfs": string(format=ROOTFS, optional=True),
    "searchdomain": string(format="dns-name-list", optional=True),
    "startup": string(format="pve-startup-order", optional=True),
    "swap": integer(minimum=0, optional=True),
    "tags": string(format="pve-tag-list", optional=True),
    "template": _FLAG,
    "timezone": string(format="pve-ct-timezone", optional=True),
    "tty": integer(minimum=0, maximum=6, optional=True),
    "unprivileged": _FLAG,
    "unused[n]": string(format=UNUSED, count=256, optional=True),
}  # fmt: skip
EXPANDED = expand(LXC_OPTIONS)
