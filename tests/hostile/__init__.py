"""Attacks: what strangers, callers, files and upstream may send, at its largest and its worst."""
