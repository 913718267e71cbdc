"""Notifications: the targets to which messages go, and the matchers that choose among them."""
