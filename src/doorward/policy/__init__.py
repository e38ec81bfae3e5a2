"""Who may open what, when. Pure: no I/O, no clock, nothing of ours is imported here."""
