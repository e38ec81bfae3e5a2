"""PostgreSQL: pool, embedded server, migrations, queries, journal. The only room with its SQL."""
