"""What virtual machines and containers share, so that neither module repeats it."""
