"""The command `proxmox-labs`: one module a sub-command."""
