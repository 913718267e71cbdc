"""Whether this machine can have live guests, and if not, why and what helps."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from simulator.guests.inside import Finished
from simulator.live.place import finished, quoted, script

_PACKAGES = {
    "ovs-vswitchd": "openvswitch-switch", "ovsdb-server": "openvswitch-switch", "ovsdb-tool": "openvswitch-switch",
    "ovs-vsctl": "openvswitch-switch", "ip": "iproute2", "ethtool": "ethtool", "nft": "nftables",
    "nsenter": "util-linux", "unshare": "util-linux", "setpriv": "util-linux", "pivot_root": "util-linux",
    "mount": "mount", "sysctl": "procps", "hostname": "hostname", "ping": "iputils-ping",
}  # fmt: skip
_TRIAL = """
mkdir lower changes work mount
mount -t overlay -o lowerdir=lower,upperdir=changes,workdir=work overlay mount
ip link add one type veth peer name two
nft add table inet trial
"""


async def obstacle(folder: Path) -> str:
    """Return in one line why there can be no live guests with their files in a folder; empty when there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "live guests need Linux and root; run the simulator as root, for example with sudo"
    missing = [name for name in _PACKAGES if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({_PACKAGES[name] for name in missing}))
        return f"live guests need {', '.join(missing)}; install with: apt install {packages}"
    if not Path("/bin").is_symlink():
        return "live guests need a system whose programs are all below /usr; use Debian 12 or a later one"
    tried = await _try(folder)
    if tried.code != 0:
        said = " ".join(tried.error.decode(errors="replace").split())
        return f"the kernel refuses what live guests need ({said}); run the simulator on a machine of its own"
    return ""


async def _try(folder: Path) -> Finished:
    """Make namespaces, an overlay mount, a pair of devices and a table of nftables, and drop them again."""
    trial = folder / "trial"
    shutil.rmtree(trial, ignore_errors=True)
    trial.mkdir(parents=True)
    lines = script(quoted("cd", trial), _TRIAL)
    done = await finished(["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", *lines])
    shutil.rmtree(trial)
    return done
