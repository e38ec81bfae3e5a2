"""Systems with lists of their own, from outside: over HTTP, beside their own lists."""
