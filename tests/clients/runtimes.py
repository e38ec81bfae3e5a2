"""Programs that tests need and this project does not bring: Ruby and PHP with the official clients'
packages, and Chromium.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from tests.clients.places import Finding, Places
from tests.clients.processes import output, run

RUBY_SEAM = "2.146.0"
PHP_SEAM = "3.5.1"


@dataclass(frozen=True)
class Runtime:
    """A program that tests need and this project does not bring.

    is_irreplaceable: nothing stands in for it, so that CI installs it, and waits for that.
    """

    programs: tuple[str, ...]
    version: tuple[str, ...]
    minimum: tuple[int, int]
    packages: tuple[str, ...]
    is_irreplaceable: bool = False

    def missing(self) -> str:
        """Why the language can't be used, or an empty text when it can.

        apt installs it only where DOORWARD_TEST_APT is set, or in CI what is irreplaceable,
        because that changes the machine and not this checkout alone.
        """
        if not all(shutil.which(program) for program in self.programs):
            failure = self._install()
            if failure:
                return f"no {' and '.join(self.programs)} on the PATH; {failure}"
        found = _numbers(output(self.version))
        if found < self.minimum:
            return f"{self.programs[0]} {_dotted(found)} is too old, {self._need}"
        return ""

    @property
    def _need(self) -> str:
        return f"the tests need {_dotted(self.minimum)}"

    def _install(self) -> str:
        if shutil.which("apt-get") is None:
            return "no apt-get on the PATH either"
        offered = self._offered()
        if offered < self.minimum:
            return f"apt offers {_dotted(offered) or 'none'}, {self._need}"
        if os.geteuid() != 0:
            return f"apt offers {_dotted(offered)}, but installing it needs root"
        if not self._may_install:
            return f"apt offers {_dotted(offered)}; DOORWARD_TEST_APT=1 lets it be installed"
        command = ["apt-get", "install", "-y", "--no-install-recommends", *self.packages]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        limit = 300.0 if self.is_irreplaceable else _limit()
        return run(command, limit, env=environment)

    def _offered(self) -> tuple[int, ...]:
        asked = ["apt-cache", "policy", self.packages[0]]
        offered = _candidate(output(asked))
        if not offered and self.is_irreplaceable and self._may_install:
            # A fresh container has no list of packages; a failure shows in what is offered then.
            run(["apt-get", "update"], _limit())
            offered = _candidate(output(asked))
        return offered

    @property
    def _may_install(self) -> bool:
        named = bool(os.environ.get("DOORWARD_TEST_APT"))
        return named or (self.is_irreplaceable and bool(os.environ.get("CI")))


RUBY = Runtime(
    programs=("ruby", "gem"),
    version=("ruby", "-e", "print RUBY_VERSION"),
    minimum=(3, 3),
    packages=("ruby",),
)
PHP = Runtime(
    programs=("php", "composer"),
    version=("php", "-r", "echo PHP_VERSION;"),
    minimum=(8, 0),
    packages=("php-cli", "php-curl", "composer"),
)
CHROMIUM = Runtime(
    programs=("chromium",),
    version=("sh", "-c", "chromium --version | grep -oE '[0-9]+[.][0-9]+' | head -n 1"),
    minimum=(120, 0),
    packages=("chromium",),
    is_irreplaceable=True,
)


def _candidate(policy: str) -> tuple[int, ...]:
    for line in policy.splitlines():
        name, _, value = line.strip().partition(": ")
        if name == "Candidate":
            return _numbers(value.rpartition(":")[2])
    return ()


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.strip().partition("+")[0].split(".")
    return tuple(int(part) for part in parts[:2] if part.isdecimal())


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(number) for number in version)


def _limit() -> float:
    # Whoever waits for CI waits for every second of it, and a replay is at hand.
    return 45.0 if os.environ.get("CI") else 180.0


def install_ruby_gem(places: Places, runtime: Runtime = RUBY) -> Finding:
    """Puts the gem `seam` into a folder of ours, if a Ruby that runs it is here."""
    reason = runtime.missing()
    if reason:
        return Finding(installed=False, reason=reason)
    if (places.ruby / "specifications" / f"seam-{RUBY_SEAM}.gemspec").is_file():
        return Finding(installed=True)
    where = ["--install-dir", str(places.ruby), "--no-document"]
    failure = run(["gem", "install", "seam", "--version", RUBY_SEAM, *where], _limit())
    return Finding(not failure, f"gem install seam: {failure}" if failure else "")


def install_php_package(places: Places, runtime: Runtime = PHP) -> Finding:
    """Puts the package `seamapi/seam` into a folder of ours, if PHP and Composer are here."""
    reason = runtime.missing()
    if reason:
        return Finding(installed=False, reason=reason)
    manifest = places.php / "composer.json"
    autoload = places.php / "vendor" / "autoload.php"
    wanted = json.dumps({"require": {"seamapi/seam": PHP_SEAM}})
    if autoload.is_file() and manifest.read_text() == wanted:
        return Finding(installed=True)
    shutil.rmtree(places.php, ignore_errors=True)
    places.php.mkdir(parents=True)
    manifest.write_text(wanted)
    options = ["--no-interaction", "--no-plugins", "--no-scripts"]
    failure = run(["composer", "install", *options], _limit(), folder=places.php)
    return Finding(not failure, f"composer, seamapi/seam: {failure}" if failure else "")


def install_chromium(runtime: Runtime = CHROMIUM) -> Finding:
    """Sees to a browser for tests/browser."""
    reason = runtime.missing()
    return Finding(not reason, reason)
