"""Tests of the room with the SQL, on a real PostgreSQL."""
