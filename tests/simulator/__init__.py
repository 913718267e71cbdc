"""Tests of the simulator: its parts, its behaviour over HTTP, and its agreement with recordings of Proxmox VE."""
