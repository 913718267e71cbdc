"""The plain model of what is inside a guest: a Debian with files, packages, services and a shell."""
