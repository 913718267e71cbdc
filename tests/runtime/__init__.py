"""Tests of what every resource shares."""
