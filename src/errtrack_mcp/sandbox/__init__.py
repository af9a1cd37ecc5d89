"""An imitation of PostHog's REST API: Starlette and SQLite, for demonstrations and tests."""
