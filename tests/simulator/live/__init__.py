"""Guests that are really there: what a client sees of live containers."""
