"""Every statement of the calls, held to bounded work on a million people."""
