"""What this server costs beside others, measured in one run: `make bench`."""
