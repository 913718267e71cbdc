"""What the settings of a node have in common."""
