"""Tests of the files that a lab hands over."""
