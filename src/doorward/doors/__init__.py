"""Controllers, and the drivers of their readers and locks. They decide at the door."""
