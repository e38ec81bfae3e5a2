"""Doorward for other people's tests: a pytest plugin with real servers, doors and movable time.

Only `host` imports the server, in a process of its own; the rest is light, and works on HTTP alone.
"""
