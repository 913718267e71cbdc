"""Two hosts that are in no cluster: guests on both, tenants with a VLAN each, and a router in front of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any, Literal

from components.dual_args import DualHypervisorArgs
from components.dual_checks import problems
from components.dual_hypervisor import DualHypervisor
from components.problem import Problem
from stacks.settings import Lab, refused, with_fields_of


@with_fields_of(DualHypervisorArgs)
class DualHypervisorLab(Lab):
    """Settings of the lab; the fields of its parts are in `components/dual_args.py`."""

    kind: Literal["dual-hypervisor"]
    cluster: Annotated[None, refused("two hosts have no quorum when one is down, so they are in no cluster")] = None
    ha: Annotated[None, refused("high availability needs a cluster with a quorum, which two hosts don't have")] = None
    replication: Annotated[None, refused("replication is between nodes of one cluster, and these hosts are none")] = (
        None
    )
    shared_storage: Annotated[None, refused("each host has its own storage, and none that both see")] = None
    migration: Annotated[None, refused("guests migrate between nodes of one cluster; these stay on their host")] = None

    @property
    def args(self) -> DualHypervisorArgs:
        """As the component takes them."""
        return DualHypervisorArgs(**{field.name: getattr(self, field.name) for field in fields(DualHypervisorArgs)})

    def problems(self) -> Iterable[Problem]:
        """What does not fit together."""
        return problems(self.args)

    def compose(self) -> dict[str, Any]:
        """The lab as one component."""
        return DualHypervisor("lab", self.args).exports.of(self.kind)
