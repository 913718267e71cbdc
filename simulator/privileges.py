"""Privileges and built-in roles, as Proxmox VE 9 has them."""

from __future__ import annotations

from collections.abc import Mapping

_GROUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "VM": {
        "admin": (
            "VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.HWType",
            "VM.Config.Options", "VM.Allocate", "VM.Clone", "VM.Migrate", "VM.Snapshot", "VM.Snapshot.Rollback",
            "VM.Replicate", "VM.GuestAgent.Unrestricted",
        ),
        "user": (
            "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.Backup", "VM.PowerMgmt",
            "VM.GuestAgent.FileRead", "VM.GuestAgent.FileWrite", "VM.GuestAgent.FileSystemMgmt",
        ),
        "audit": ("VM.Audit", "VM.GuestAgent.Audit"),
    },
    "Sys": {
        "root": ("Sys.PowerMgmt", "Sys.Modify", "Sys.Incoming", "Sys.AccessNetwork"),
        "admin": ("Sys.Console", "Sys.Syslog"),
        "audit": ("Sys.Audit",),
    },
    "Datastore": {
        "admin": ("Datastore.Allocate", "Datastore.AllocateTemplate"),
        "user": ("Datastore.AllocateSpace",),
        "audit": ("Datastore.Audit",),
    },
    "SDN": {"admin": ("SDN.Allocate",), "user": ("SDN.Use",), "audit": ("SDN.Audit",)},
    "User": {"root": ("Realm.Allocate",), "admin": ("User.Modify", "Group.Allocate", "Realm.AllocateUser")},
    "Pool": {"admin": ("Pool.Allocate",), "user": ("Pool.Audit",), "audit": ("Pool.Audit",)},
    "Mapping": {"admin": ("Mapping.Modify",), "user": ("Mapping.Use",), "audit": ("Mapping.Audit",)},
}  # fmt: skip


def _privileges(group: Mapping[str, tuple[str, ...]], *levels: str) -> frozenset[str]:
    return frozenset(priv for level in levels for priv in group.get(level, ()))


def _builtin_roles() -> dict[str, frozenset[str]]:
    roles = {
        "NoAccess": frozenset[str](),
        "Administrator": ALL,
        "PVETemplateUser": frozenset({"VM.Clone", "VM.Audit"}),
    }
    everything = [_privileges(group, "admin", "user", "audit") for group in _GROUPS.values()]
    roles["PVEAdmin"] = frozenset[str]().union(*everything) - {"Mapping.Modify"}
    roles["PVEAuditor"] = frozenset[str]().union(*(_privileges(group, "audit") for group in _GROUPS.values()))
    for name, group in _GROUPS.items():
        roles[f"PVE{name}Admin"] = _privileges(group, "admin", "user", "audit")
        if "user" in group:
            roles[f"PVE{name}User"] = _privileges(group, "user", "audit")
    return roles


ALL = frozenset({"Permissions.Modify"}).union(
    *(_privileges(group, "root", "admin", "user", "audit") for group in _GROUPS.values())
)
BUILTIN_ROLES: Mapping[str, frozenset[str]] = _builtin_roles()
