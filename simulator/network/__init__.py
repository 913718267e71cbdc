"""The network of a node: `/etc/network/interfaces` read, checked and written, and what is up of it."""
