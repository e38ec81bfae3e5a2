"""Where the official clients of one checkout are declared, where they live, and what is there."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

UNKNOWN = "make test-deps has not run here"


@dataclass(frozen=True)
class Places:
    """The folder of package.json, and the folder that holds what is installed."""

    manifest: Path
    home: Path

    @property
    def node(self) -> Path:
        """The folder from which Node finds the packages."""
        return self.home / "node"

    @property
    def ruby(self) -> Path:
        """The GEM_HOME that holds the gem `seam`."""
        return self.home / "ruby"

    @property
    def php(self) -> Path:
        """The folder whose vendor/autoload.php finds the PHP package."""
        return self.home / "php"

    @property
    def downloads(self) -> Path:
        """The cache of npm: with it the packages can be installed again without a network."""
        return self.home / "npm"

    @property
    def status(self) -> Path:
        """The JSON file that says what is there, and why the rest is not."""
        return self.home / "status.json"


CHECKOUT = Places(
    manifest=Path(__file__).resolve().parent,
    home=Path(__file__).resolve().parents[2] / ".cache" / "clients",
)


@dataclass(frozen=True)
class Finding:
    """Whether a client is there; `reason` says what failed, empty when nothing did."""

    installed: bool
    reason: str = ""


def write_findings(places: Places, findings: Mapping[str, Finding]) -> None:
    """Keeps what `make test-deps` found for the tests."""
    places.home.mkdir(parents=True, exist_ok=True)
    listed = {name: asdict(finding) for name, finding in findings.items()}
    places.status.write_text(json.dumps(listed, indent=2) + "\n")


def read_finding(places: Places, name: str) -> Finding:
    """What the last `make test-deps` found for `node`, `ruby`, `php` or `chromium`."""
    listed = json.loads(places.status.read_text()) if places.status.is_file() else {}
    return Finding(**listed[name]) if name in listed else Finding(installed=False, reason=UNKNOWN)
