"""Reconciling access systems that keep lists of their own: what is desired is brought to them."""
