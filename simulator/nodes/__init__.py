"""What a node is made of: daemons, disks, devices, its journal, and its being on or off."""
