"""The policy pack: each policy asked directly, and the pack through the real engine."""
