"""The sandbox site that comes with Doorward, and its published secrets."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from uuid import UUID

from doorward.site.model import Site
from doorward.site.parse import parse_site


@dataclass(frozen=True, slots=True)
class SandboxSecrets:
    """What a client needs to talk to the sandbox."""

    workspace_id: UUID
    api_key: str
    personal_access_token: str


@cache
def load_sandbox() -> Site:
    """The sandbox site."""
    file = resources.files("doorward.site") / "sandbox.yaml"
    return parse_site("sandbox.yaml", file.read_bytes())


def sandbox_secrets() -> SandboxSecrets:
    """The sandbox's published secrets, as its site file has them."""
    site = load_sandbox()
    return SandboxSecrets(
        site.workspace.workspace_id,
        site.tokens["api-key"].text,
        site.tokens["personal-access-token"].text,
    )
