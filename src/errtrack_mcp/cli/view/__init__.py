"""The panel in a browser, for people whose client shows none."""
