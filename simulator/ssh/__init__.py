"""The SSH side of the simulated nodes: a file tree over the state, and the commands of a Proxmox VE host."""
