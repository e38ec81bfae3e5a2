"""What `serve` prints once it can answer: every line can be pasted as it stands."""

from collections.abc import Iterator
from shlex import quote
from urllib.parse import urlsplit

from doorward.cli.invocation import command, eval_line, export, token_line
from doorward.cli.sandbox import GROUP, USER, Sandbox
from doorward.server import Ready


def welcome(ready: Ready) -> Iterator[str]:
    """How to reach a server that has a site of its own."""
    yield from _answers(ready)
    yield ""
    yield "The clients find it by:"
    yield ""
    yield f"  {export('SEAM_ENDPOINT', ready.endpoint)}"
    yield "  export SEAM_API_KEY=…"
    yield ""
    yield "An API key is made, and shown once, by:"
    yield ""
    yield f"  {token_line(ready.settings, 'create --name NAME')}"


def welcome_sandbox(ready: Ready, sandbox: Sandbox) -> Iterator[str]:
    """How to reach the sandbox with each client, and a demonstration."""
    yield from _answers(ready)
    yield "This is the sandbox. Key and token are published, and honoured on this machine alone:"
    yield ""
    for line in sandbox.exports(ready.endpoint):
        yield f"  {line}"
    yield ""
    yield "All of that at once, in another terminal:"
    yield ""
    yield f"  {eval_line(ready.settings, urlsplit(ready.endpoint).port)}"
    yield ""
    yield "Then Python, JavaScript and Ruby need nothing else. cURL, PHP and the Seam CLI:"
    yield ""
    yield f"  {_curl(ready.endpoint)}"
    yield f'  $seam = new Seam\\SeamClient("{sandbox.api_key}", "{ready.endpoint}");'
    yield f"  seam acs users get --acs-user-id {USER} --remote-schema"
    yield ""
    yield from _demonstration(sandbox)


def _answers(ready: Ready) -> Iterator[str]:
    yield f"Doorward answers at {ready.endpoint} (Ctrl-C stops it)."
    yield f"Its calls, to read and to try: {ready.endpoint}/docs"


def _curl(endpoint: str) -> str:
    headers = '-H "Authorization: Bearer $SEAM_API_KEY" -H "Content-Type: application/json"'
    return f'curl -sS {headers} -d \'{{"acs_user_id":"{USER}"}}\' {endpoint}/acs/users/get'


def _demonstration(sandbox: Sandbox) -> Iterator[str]:
    present = f"{command()} present --entrance {quote(sandbox.entrance)} --card {sandbox.card}"
    ids = f"--acs_user_id {USER} --acs_access_group_id {GROUP}"
    yield "See a door refuse: it opens, the call is made, it stays shut (deny_no_access)."
    yield ""
    yield f"  {present}"
    yield f"  {command()} api acs users remove-from-access-group {ids}"
    yield f"  {present}"
    yield ""
    yield "And put the person back:"
    yield ""
    yield f"  {command()} api acs users add-to-access-group {ids}"
