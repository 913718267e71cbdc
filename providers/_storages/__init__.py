"""What storages and everything that is kept on them have in common."""
