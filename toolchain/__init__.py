"""Gets the Pulumi tools onto a machine and runs them apart from the user's own.

`bootstrap` (bash) makes the virtual environment and then runs `python -m toolchain`, which provides the
Pulumi CLI, its Python language host and the plugin of pulumi-random. `environment.py` says how to call the
result. Nothing here is imported by the Pulumi program itself.
"""
