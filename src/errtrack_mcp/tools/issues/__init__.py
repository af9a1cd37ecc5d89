"""Issues: errors of one kind, their events and frames, and why these are minified."""
