"""Repeatable measurements. Each prints ratios against a peer in the same interleaved run."""
