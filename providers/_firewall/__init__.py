"""What the resources of Proxmox's firewall share."""
