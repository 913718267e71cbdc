"""The firewall's evaluator against real nftables: packets really sent between two networks of their own."""
