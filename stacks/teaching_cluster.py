"""A cluster for teaching: three nodes, courses, and guests for pupils."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any, Literal

from components.problem import Problem
from components.teaching_args import TeachingClusterArgs
from components.teaching_checks import problems
from components.teaching_cluster import TeachingCluster
from stacks.settings import Lab, refused, with_fields_of


@with_fields_of(TeachingClusterArgs)
class TeachingClusterLab(Lab):
    """Settings of the lab; the fields of its parts are in `components/teaching_args.py`."""

    kind: Literal["teaching-cluster"]
    ceph: Annotated[None, refused("Ceph is not set up by this project yet; disks are on the nodes' own storages")] = (
        None
    )

    @property
    def args(self) -> TeachingClusterArgs:
        """As the component takes them."""
        return TeachingClusterArgs(**{each.name: getattr(self, each.name) for each in fields(TeachingClusterArgs)})

    def problems(self) -> Iterable[Problem]:
        """What does not fit together."""
        return problems(self.args)

    def compose(self) -> dict[str, Any]:
        """The lab as one component."""
        return TeachingCluster("lab", self.args).exports.of(self.kind)
