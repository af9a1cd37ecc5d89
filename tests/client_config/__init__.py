"""This server put into the configuration of clients, and taken out again."""
