"""Tests of the policy room: the ladder, the index, the formats of cards."""
