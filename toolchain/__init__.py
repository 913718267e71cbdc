"""Gets the Pulumi tools onto a machine and runs them apart from the user's own.

`bootstrap` (bash) makes the virtual environment and then runs `python -m toolchain`, which provides the
Pulumi CLI, its Python language host and the plugin of pulumi-random. `environment.py` says how to call the
result. A host that was built here is too old for policy packs: `host-python` and `policy_host.py` help it.
Nothing here is imported by the Pulumi program itself.
"""
