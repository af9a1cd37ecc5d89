"""Tests of the tools for issues."""
