"""Tells what changed in another version of the official OpenAPI: `make contract VERSION=1.980.0`.

The version is one of the npm package `@seamapi/types`, or a tag of it such as `latest`; it is
fetched into .cache/contract, and what the tests use stays as it is.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Started by its path, Python looks for modules beside this file and not in the checkout.
sys.path.insert(0, str(ROOT))

from tests.clients.node_packages import install_package, node_program  # noqa: E402
from tests.clients.places import CHECKOUT  # noqa: E402
from tests.contract.changes import changes, concerned, subjects  # noqa: E402
from tests.contract.official import Contract, exported  # noqa: E402

from doorward.api.table import ROUTES  # noqa: E402

_PACKAGE = "@seamapi/types"
_FOLDER = ROOT / ".cache" / "contract"


def main(version: str) -> int:
    """Prints the changes; answers 1 where a version or the pinned one cannot be had."""
    node = node_program()
    if node is None or not (CHECKOUT.node / "node_modules" / _PACKAGE).is_dir():
        print("the pinned version is not here: make test-deps says why")
        return 1
    failure = install_package(CHECKOUT, f"{_PACKAGE}@{version}", _FOLDER)
    if failure:
        print(f"{_PACKAGE} {version} cannot be fetched: it needs a network, and has to exist")
        print(failure)
        return 1
    old, new = exported(node, CHECKOUT.node), exported(node, _FOLDER)
    print(f"{_PACKAGE} {_version(CHECKOUT.node)} → {_version(_FOLDER)}")
    ours = [route.path for route in ROUTES]
    own = concerned(old, ours) | concerned(new, ours)
    _print("what Doorward answers", old, new, own)
    _print("everything else", old, new, (subjects(old) | subjects(new)) - own)
    return 0


def _version(folder: Path) -> str:
    package = folder / "node_modules" / _PACKAGE / "package.json"
    version: str = json.loads(package.read_text("utf-8"))["version"]
    return version


def _print(title: str, old: Contract, new: Contract, about: set[str]) -> None:
    found = changes(old, new, about)
    print(f"\n{title}: {len(found)} changes")
    for line in found:
        print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
