"""What keeps a tool call from working: one check after the other, each with what to do about it."""
