"""Tests of what a caller may see and call."""
