"""Calls that the Seam API has no word for, in the same style, below /doorward."""
