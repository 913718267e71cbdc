"""A policy pack: what a team asks of its stacks, checked by the engine before anything is changed.

One file holds one policy, or a few that belong together. They know resources by their type tokens and inputs only, so
that the pack judges any program which makes such resources.
"""
