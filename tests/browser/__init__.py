"""The page at /docs in a real browser."""
