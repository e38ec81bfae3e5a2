"""Crashes and lost links: nothing acknowledged is lost, and doors go on deciding."""
