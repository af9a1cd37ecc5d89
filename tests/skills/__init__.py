"""The skills: what assistants are told to do with the tools."""
