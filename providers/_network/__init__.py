"""A node's network as one transaction: what is declared, what Proxmox makes of it, and how it is put in effect."""
