"""The software-defined network: its objects, their checks, and what of them is applied."""
