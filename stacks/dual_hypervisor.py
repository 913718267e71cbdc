"""Two hosts that are in no cluster: guests on both, tenants with a VLAN each, and a router in front of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from components.dual_args import DualHypervisorArgs, Guest, Host, Network, Opnsense, Template, Tenant
from components.dual_checks import problems
from components.dual_hypervisor import DualHypervisor
from components.problem import Problem
from stacks.settings import Lab


def _refused(reason: str) -> BeforeValidator:
    """A key that this kind of lab can't have, whatever its value."""

    def refuse(_value: object) -> None:
        raise ValueError(f"{reason}; take it out")

    return BeforeValidator(refuse)


class DualHypervisorLab(Lab):
    """Settings of the lab; the fields of its parts are in `components/dual_args.py`."""

    kind: Literal["dual-hypervisor"]
    hosts: dict[str, Host]
    template: Template
    opnsense: Opnsense
    guests: tuple[Guest, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    lan: Network | None = None
    user: str = "ansible"
    ssh_keys: tuple[str, ...] = ()
    zone: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,7}$")] = "tenants"
    pool_prefix: str = ""

    cluster: Annotated[None, _refused("two hosts have no quorum when one is down, so they are in no cluster")] = None
    ha: Annotated[None, _refused("high availability needs a cluster with a quorum, which two hosts don't have")] = None
    replication: Annotated[None, _refused("replication is between nodes of one cluster, and these hosts are none")] = (
        None
    )
    shared_storage: Annotated[None, _refused("each host has its own storage, and none that both see")] = None
    migration: Annotated[None, _refused("guests migrate between nodes of one cluster; these stay on their host")] = None

    @property
    def args(self) -> DualHypervisorArgs:
        """As the component takes them."""
        return DualHypervisorArgs(**{field.name: getattr(self, field.name) for field in fields(DualHypervisorArgs)})

    def problems(self) -> Iterable[Problem]:
        """What does not fit together."""
        return problems(self.args)

    def compose(self) -> dict[str, Any]:
        """The lab as one component."""
        lab = DualHypervisor("lab", self.args)
        return {
            "guests": lab.guests,
            "networks": lab.networks,
            "templates": lab.templates,
            "opnsense": lab.opnsense,
            "answer_files": lab.answer_files,
            "credentials": lab.credentials,
        }
