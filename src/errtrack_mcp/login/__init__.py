"""`errtrack-mcp login`: a key from PostHog without pasting one, and where it is kept."""
