"""errtrack-mcp: PostHog error tracking for AI assistants."""

__version__ = "0.1.0"
