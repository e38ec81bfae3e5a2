"""The server's log: one form for every logger, nothing personal in it, and nobody waits for it.

Modules log through the standard library's `logging`. What else they know of a happening goes into
`extra={"fields": {…}}`, from which structlog makes lines or JSON here.
"""

from doorward.logs.process import logging_to, tell_loop_fault
from doorward.logs.writer import LogWriter

__all__ = ["LogWriter", "logging_to", "tell_loop_fault"]
