"""Seeded fuzzers of what anybody can send: queries, bodies, cursors, headers and bare bytes."""
