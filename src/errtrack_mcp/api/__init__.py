"""HTTP towards the REST API: its manners, not its resources."""
