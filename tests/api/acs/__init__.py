"""Tests of the calls of access systems."""
