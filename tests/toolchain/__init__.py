"""The set-up: how Pulumi and its plugins get onto a machine, and how they are called."""
