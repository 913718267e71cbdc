"""Whether a node passes packets on between its networks: a setting of the kernel, kept in a file of its own."""

from __future__ import annotations

from providers._network.site import file_text, write_text
from providers._runtime.api import Api

SETTING = "net.ipv4.ip_forward"


def path_of(api: Api) -> str:
    """The owner's file below `/etc/sysctl.d`; a later name counts more."""
    return f"/etc/sysctl.d/90-pulumi-{api.owner.key}.conf"


def is_on(api: Api, node: str) -> bool:
    """Whether this program has switched it on."""
    text = file_text(api.client.ssh, node, path_of(api), api.deadline) or ""
    return f"{SETTING} = 1" in text


def switch(api: Api, node: str, *, on: bool) -> None:
    """Switch it on now and at every start of the node, or leave it to the node's other settings again."""
    if on == is_on(api, node):
        return
    ssh = api.client.ssh
    if on:
        write_text(api, node, path_of(api), f"# {api.owner.mark}\n{SETTING} = 1\n")
        ssh.check(node, ["sysctl", "-q", "-p", path_of(api)], deadline=api.deadline)
    else:
        ssh.remove(node, path_of(api), deadline=api.deadline)
        ssh.check(node, ["sysctl", "-q", "-w", f"{SETTING}=0"], deadline=api.deadline)
        ssh.check(node, ["sysctl", "-q", "--system"], deadline=api.deadline)
