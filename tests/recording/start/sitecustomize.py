"""Python imports this first where PYTHONPATH names its folder: in every server of a test."""

import importlib.util
from pathlib import Path

# By its place: what a server can import otherwise must not change.
_spec = importlib.util.spec_from_file_location(
    "doorward_tests_hook", Path(__file__).parent.parent / "hook.py"
)
assert _spec is not None
assert _spec.loader is not None
_hook = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_hook)
_hook.install_on_import()
