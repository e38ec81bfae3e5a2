"""Everything that people do to people, groups, credentials and identities, against a model."""
