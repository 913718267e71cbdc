"""Runs the example that is called as the stack is: `pulumi up -s guest_group` runs `guest_group.py`."""

import runpy
from pathlib import Path

import pulumi

runpy.run_path(str(Path(__file__).with_name(f"{pulumi.get_stack()}.py")))
