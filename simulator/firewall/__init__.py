"""Proxmox's firewall as it is configured: the `.fw` files of cluster, nodes, guests and virtual networks."""
