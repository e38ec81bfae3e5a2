"""Tests of the site file."""  # noqa: A005 - named as the room it tests
