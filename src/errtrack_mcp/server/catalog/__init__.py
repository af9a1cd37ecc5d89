"""The catalog of everything that a caller may see and call."""
