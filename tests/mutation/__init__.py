"""Handlers that take no notice of a parameter, and whether a test notices.

`make mutation` draws parameters, and runs the tests that send each of them with that parameter kept
from the handler. A parameter with which they all pass could be ignored without anybody noticing.
"""
