"""The tests: what the project promises, read as sentences."""
