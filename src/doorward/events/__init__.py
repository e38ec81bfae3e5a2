"""What happened: the catalogue of events, and (later) their delivery to webhooks."""
