"""Tests of resolving stack traces."""
