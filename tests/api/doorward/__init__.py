"""Tests of our own calls, with real controllers: each test has a database of its own."""
