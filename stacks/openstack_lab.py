"""A lab in which OpenStack is tried out, on one host or spread over several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Literal

from components.openstack_args import OpenStackLabArgs
from components.openstack_checks import problems
from components.openstack_lab import OpenStackLab
from components.problem import Problem
from stacks.settings import Lab, with_fields_of


@with_fields_of(OpenStackLabArgs)
class OpenStack(Lab):
    """Settings of the lab; the fields of its parts are in `components/openstack_args.py`."""

    kind: Literal["openstack-lab"]

    @property
    def args(self) -> OpenStackLabArgs:
        """As the component takes them."""
        return OpenStackLabArgs(**{each.name: getattr(self, each.name) for each in fields(OpenStackLabArgs)})

    def problems(self) -> Iterable[Problem]:
        """What does not fit together."""
        return problems(self.args)

    def compose(self) -> dict[str, Any]:
        """The lab as one component."""
        return OpenStackLab("lab", self.args).exports.of(self.kind)
