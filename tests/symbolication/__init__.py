"""Tests of the symbolication package."""
