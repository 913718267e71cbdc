"""What kubeadm is told of a cluster whose nodes are reached by one address of several balancers."""

from __future__ import annotations

import re

_ENDPOINT = re.compile(r"[A-Za-z0-9.-]+:\d{1,5}")


def config(endpoint: str, domain: str) -> str:
    """For `kubeadm init --config`: where all reach the control plane, and under which names its certificate is good."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise ValueError(f"{endpoint!r} is no address with a port, such as 192.0.2.5:6443")
    return "\n".join([
        "apiVersion: kubeadm.k8s.io/v1beta4",
        "kind: ClusterConfiguration",
        f'controlPlaneEndpoint: "{endpoint}"',
        "apiServer:",
        "  certSANs:",
        f'    - "{endpoint.partition(":")[0]}"',
        f'    - "services.{domain}"',
        "",
    ])  # fmt: skip
