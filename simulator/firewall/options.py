"""The options of each level of the firewall."""

from __future__ import annotations

from simulator.firewall.rules import LOG_LEVELS
from simulator.schema import Param, PropertyString, boolean, integer, string

_FLAG = boolean(optional=True)
_LEVEL = string(enum=LOG_LEVELS, optional=True)
_POLICY = string(enum=("ACCEPT", "REJECT", "DROP"), optional=True)
_FORWARD_POLICY = string(enum=("ACCEPT", "DROP"), optional=True)
_RATE_LIMIT = PropertyString(
    {
        "enable": boolean(default_key=True),
        "rate": string(pattern=r"[1-9][0-9]*\/(second|minute|hour|day)", optional=True),
        "burst": integer(minimum=0, optional=True),
    }
)

CLUSTER: dict[str, Param] = {
    "ebtables": _FLAG,
    "enable": integer(minimum=0, optional=True),
    "log_ratelimit": string(format=_RATE_LIMIT, optional=True),
    "policy_forward": _FORWARD_POLICY,
    "policy_in": _POLICY,
    "policy_out": _POLICY,
}
HOST: dict[str, Param] = {
    **dict.fromkeys(
        (
            "enable", "log_nf_conntrack", "ndp", "nf_conntrack_allow_invalid", "nftables", "nosmurfs",
            "protection_synflood", "tcpflags",
        ),
        _FLAG,
    ),
    **dict.fromkeys(
        ("log_level_forward", "log_level_in", "log_level_out", "smurf_log_level", "tcp_flags_log_level"), _LEVEL
    ),
    "nf_conntrack_helpers": string(format="pve-fw-conntrack-helper", optional=True),
    "nf_conntrack_max": integer(minimum=32768, optional=True),
    "nf_conntrack_tcp_timeout_established": integer(minimum=7875, optional=True),
    "nf_conntrack_tcp_timeout_syn_recv": integer(minimum=30, maximum=60, optional=True),
    "protection_synflood_burst": integer(optional=True),
    "protection_synflood_rate": integer(optional=True),
}  # fmt: skip
GUEST: dict[str, Param] = {
    **dict.fromkeys(("dhcp", "enable", "ipfilter", "macfilter", "ndp", "radv"), _FLAG),
    "log_level_in": _LEVEL,
    "log_level_out": _LEVEL,
    "policy_in": _POLICY,
    "policy_out": _POLICY,
}
VNET: dict[str, Param] = {"enable": _FLAG, "log_level_forward": _LEVEL, "policy_forward": _FORWARD_POLICY}

BY_ENVIRONMENT = {"cluster": CLUSTER, "host": HOST, "vm": GUEST, "ct": GUEST, "vnet": VNET}
