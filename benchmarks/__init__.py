"""What this server costs next to others, measured in one run: `make bench`."""
