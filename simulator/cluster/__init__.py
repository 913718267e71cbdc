"""The cluster itself: its configuration, who joins and leaves it, and its log."""
