"""What virtual machines, containers and storages have in common: volumes, configurations, locks, life."""

from simulator.guests import formats as formats
