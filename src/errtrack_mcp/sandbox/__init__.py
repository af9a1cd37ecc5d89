"""The REST API stood in for: Starlette over SQLite, for demonstrations and tests."""
