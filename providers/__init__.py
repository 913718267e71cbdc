"""The resources: one file is one resource type, named by Proxmox's own noun."""
