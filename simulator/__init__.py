"""Proxmox VE on loopback: its HTTPS API over a durable, typed state, for trying things and for tests."""
