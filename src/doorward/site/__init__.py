"""The site file: parse, plan, apply. It owns structure; the database owns access."""
