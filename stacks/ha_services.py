"""Three rented hosts as one cluster, with services that go on when one of them dies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Literal

from components.ha_args import HAServiceNetworkArgs
from components.ha_checks import problems
from components.ha_outputs import exports
from components.ha_service_network import HAServiceNetwork
from components.problem import Problem
from stacks.settings import Lab, with_fields_of


@with_fields_of(HAServiceNetworkArgs)
class HAServicesLab(Lab):
    """Settings of the lab."""

    kind: Literal["ha-services"]

    @property
    def args(self) -> HAServiceNetworkArgs:
        """As the component takes them."""
        return HAServiceNetworkArgs(**{each.name: getattr(self, each.name) for each in fields(HAServiceNetworkArgs)})

    def problems(self) -> Iterable[Problem]:
        """What does not fit together."""
        return problems(self.args)

    def compose(self) -> dict[str, Any]:
        """The lab as one component."""
        return exports(HAServiceNetwork("lab", self.args), self.args).of(self.kind)
