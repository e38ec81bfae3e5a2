"""Tests of the pytest plugin, as other people's tests use it."""
