"""Source maps of a build on this machine, uploaded to PostHog."""
