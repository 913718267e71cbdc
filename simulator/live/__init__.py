"""Guests that are really there: containers as namespaces of this machine, their network as a switch of each node."""
