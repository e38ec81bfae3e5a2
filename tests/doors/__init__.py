"""Controllers against a real PostgreSQL and real files."""
