"""Tests of what each call does, through the real wire, a real PostgreSQL and real controllers."""
