"""Minified stack traces, made readable here: PostHog never resolves a stored event again."""
