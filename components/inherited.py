"""What holds for all that a component makes: the engine asks that of the component alone, and not of its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi

Transformation = Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]


def after(made: Sequence[pulumi.Resource]) -> list[Transformation]:
    """What `transformations` of a component takes, so that each resource in it depends on these."""
    return [_with(pulumi.ResourceOptions(depends_on=list(made)))]


def lasting() -> list[Transformation]:
    """What `transformations` of a component takes, so that a destroy leaves what is in it as it is."""
    return [_with(pulumi.ResourceOptions(retain_on_delete=True))]


def _with(more: pulumi.ResourceOptions) -> Transformation:
    def give(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, more))

    return give
