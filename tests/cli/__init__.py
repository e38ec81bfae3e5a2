"""The command `doorward`, as somebody types it."""
