"""From one page of YAML to a lab: the stack's settings are read, composed into resources, and exported."""

import pulumi

from stacks.settings import load

for name, value in load().compose().items():
    pulumi.export(name, value)
