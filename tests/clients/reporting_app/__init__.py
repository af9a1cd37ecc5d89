"""A small app in TypeScript and a program in Python that report an error to PostHog with its own SDKs."""
