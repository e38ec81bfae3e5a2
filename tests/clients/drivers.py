"""One driver per official client: it runs the documentation's own code against a server.

A client that is here runs for real, in a process of its own with nothing inherited but the PATH;
the exact request of one that is not here is replayed where no installation can be asked for.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.clients import documentation, replays
from tests.clients.calls import Member, Target
from tests.clients.client import Client, ClientMissingError, RealClient, ReplayedClient, Run
from tests.clients.node_packages import node_program
from tests.clients.places import CHECKOUT, Places, read_finding
from tests.clients.processes import output


def _sdk_environment(target: Target) -> dict[str, str]:
    if target.workspace_id is None:
        token = {"SEAM_API_KEY": target.token}
    else:
        token = {
            "SEAM_PERSONAL_ACCESS_TOKEN": target.token,
            "SEAM_WORKSPACE_ID": target.workspace_id,
        }
    return {"SEAM_ENDPOINT": target.endpoint, **token}


def _python(_: Places) -> Client:
    if importlib.util.find_spec("seam") is None:
        raise ClientMissingError("the package seam is not in this environment")

    def prepare(target: Target, member: Member) -> Run:
        call = documentation.python(member)
        program = f"from seam import Seam\nseam = Seam()\nanswer = {call}\nprint(answer)"
        return Run((sys.executable, "-c", program), _sdk_environment(target))

    return RealClient("python", "None", prepare)


def _javascript(places: Places) -> Client:
    node = _node(places)

    def prepare(target: Target, member: Member) -> Run:
        call = documentation.javascript(member)
        program = (
            'import { Seam } from "seam";\nconst seam = new Seam();\n'
            f"const answer = {call}\nconsole.log(answer);"
        )
        command = (str(node), "--input-type=module", "--eval", program)
        return Run(command, _sdk_environment(target), places.node)

    return RealClient("javascript", "undefined", prepare)


def _cli(places: Places) -> Client:
    node = _node(places)
    programs = places.node / "node_modules" / ".bin"

    def prepare(target: Target, member: Member) -> Run:
        environment = {
            "PATH": f"{programs}{os.pathsep}{node.parent}{os.pathsep}{os.defpath}",
            "SEAM_CLI_ENDPOINT": target.endpoint,
            "SEAM_CLI_TOKEN": target.token,
        }
        if target.workspace_id is not None:
            environment["SEAM_CLI_WORKSPACE_ID"] = target.workspace_id
        # Anywhere before a word the flag would swallow that word.
        line = f"{documentation.cli(member)} --remote-schema -y"
        return Run(("/bin/sh", "-c", line), environment)

    return RealClient("cli", "{}", prepare)


def _node(places: Places) -> Path:
    finding = read_finding(places, "node")
    node = node_program()
    if not finding.installed or node is None:
        raise ClientMissingError(finding.reason or "no Node in this environment")
    return node


def _curl(_: Places) -> Client:
    reason = _no_curl()
    if reason:
        return ReplayedClient("curl", reason, replays.curl_request)

    def prepare(target: Target, member: Member) -> Run:
        call = documentation.curl(member).replace(
            documentation.DOCUMENTED_ENDPOINT, target.endpoint
        )
        if target.workspace_id is not None:
            header = f'  --header "seam-workspace: {target.workspace_id}" \\\n  --json'
            call = call.replace("  --json", header)
        return Run(("/bin/sh", "-c", call), {"SEAM_API_KEY": target.token})

    return RealClient("curl", "{}", prepare)


def _no_curl() -> str:
    if shutil.which("curl") is None:
        return "no curl on the PATH"
    version = output(["curl", "--version"]).split(" ")[1]
    if tuple(int(number) for number in version.split(".")[:2]) < (7, 82):
        return f"curl {version} does not know --json"
    return ""


def _ruby(places: Places) -> Client:
    finding = read_finding(places, "ruby")
    if not finding.installed:
        return ReplayedClient("ruby", finding.reason, replays.ruby_request)

    def prepare(target: Target, member: Member) -> Run:
        call = documentation.ruby(member)
        program = f'require "seam"\nseam = Seam.new\nanswer = {call}\np answer'
        gems = {"GEM_HOME": str(places.ruby), "GEM_PATH": str(places.ruby)}
        return Run(("ruby", "-e", program), {**_sdk_environment(target), **gems})

    return RealClient("ruby", "nil", prepare)


def _php(places: Places) -> Client:
    finding = read_finding(places, "php")
    if not finding.installed:
        return ReplayedClient(
            "php", finding.reason, replays.php_request, takes_personal_tokens=False
        )

    def prepare(target: Target, member: Member) -> Run:
        call = documentation.php(member)
        program = (
            'require "vendor/autoload.php";\n'
            f'$seam = new Seam\\SeamClient(null, "{target.endpoint}");\n'
            f"$answer = {call}\necho json_encode($answer);"
        )
        environment = {"SEAM_API_KEY": target.token}
        return Run(("php", "-r", program), environment, places.php)

    return RealClient("php", "null", prepare, takes_personal_tokens=False)


_FINDERS: Mapping[str, Callable[[Places], Client]] = {
    "python": _python,
    "javascript": _javascript,
    "cli": _cli,
    "curl": _curl,
    "ruby": _ruby,
    "php": _php,
}
NAMES = tuple(_FINDERS)


def find(name: str, places: Places = CHECKOUT) -> Client:
    """The client of that name; raises ClientMissingError where it has to be installed first."""
    return _FINDERS[name](places)


def summary(places: Places = CHECKOUT) -> str:
    """How many of the official clients are real here, and why the others are not."""
    told: dict[str, list[str]] = {"real": [], "replayed": [], "missing": []}
    for name in NAMES:
        try:
            client = find(name, places)
        except ClientMissingError as error:
            told["missing"].append(f"{name}: {error}")
        else:
            told["real" if client.real else "replayed"].append(f"{name}: {client.reason}")
    real = f"official clients: {len(told['real'])} of {len(NAMES)} real"
    others = {kind: told[kind] for kind in ("replayed", "missing") if told[kind]}
    counts = (f"{len(why)} {kind} ({'; '.join(why)})" for kind, why in others.items())
    return ", ".join([real, *counts])
