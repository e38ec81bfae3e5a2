"""Calls of access systems: systems, entrances, users, access groups, credentials."""
