"""Backups: making and naming them, which of them to keep, making guests of them again, and the jobs that do so."""
