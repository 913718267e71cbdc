"""Tests of `proxmox-labs adopt`."""
