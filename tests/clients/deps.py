"""The program behind `make test-deps`: gets what tests need and is no Python package: the official
clients, and a browser.

It changes nothing outside .cache/clients, unless it may (see tests.clients.runtimes), needs no
network when everything is there, and always ends well: what cannot be had is written down with its
reason, and the tests say so.
"""

import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """`deps.py` gets the clients; `deps.py lock` renews the lock file of the npm packages."""
    # Started by its path, Python looks for modules beside this file and not in the checkout.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from tests.clients.node_packages import renew_lock
    from tests.clients.places import CHECKOUT

    if list(arguments) != ["lock"]:
        return _install()
    failure = renew_lock(CHECKOUT)
    print(failure or "tests/clients/package-lock.json is renewed")
    return 1 if failure else 0


def _install() -> int:
    from tests.clients.node_packages import install_node_packages
    from tests.clients.places import CHECKOUT, write_findings
    from tests.clients.runtimes import install_chromium, install_php_package, install_ruby_gem

    findings = {
        "node": install_node_packages(CHECKOUT),
        "ruby": install_ruby_gem(CHECKOUT),
        "php": install_php_package(CHECKOUT),
        "chromium": install_chromium(),
    }
    write_findings(CHECKOUT, findings)
    for name, finding in findings.items():
        there = "there" if finding.installed else "not to be had"
        print(f"for the tests, {name}: {there}{finding.reason and f' ({finding.reason})'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
