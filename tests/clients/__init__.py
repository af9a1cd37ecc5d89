"""Clients that others wrote, against the installed command; their versions are in package.json."""
