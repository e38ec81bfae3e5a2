"""The documentation's own code for removing a person from an access group, in six languages.

With the ids of the API's reference page each text is that page's, to the character; with other ids
nothing but the ids differs.
"""

from tests.clients.calls import Member

PATH = "/acs/users/remove_from_access_group"
DOCUMENTED_ENDPOINT = "https://connect.getseam.com"


def python(member: Member) -> str:
    """The call in Python."""
    lines = "".join(f'    {name}="{value}",\n' for name, value in member.parameters().items())
    return f"seam.acs.users.remove_from_access_group(\n{lines})"


def javascript(member: Member) -> str:
    """The call in JavaScript."""
    lines = "".join(f'  {name}: "{value}",\n' for name, value in member.parameters().items())
    return f"await seam.acs.users.removeFromAccessGroup({{\n{lines}}});"


def ruby(member: Member) -> str:
    """The call in Ruby."""
    lines = "".join(f'  {name}: "{value}",\n' for name, value in member.parameters().items())
    return f"seam.acs.users.remove_from_access_group(\n{lines})"


def php(member: Member) -> str:
    """The call in PHP."""
    lines = ",\n".join(f'    {name}: "{value}"' for name, value in member.parameters().items())
    return f"$seam->acs->users->remove_from_access_group(\n{lines}\n);"


def curl(member: Member) -> str:
    """The call in cURL, to the documented address: the caller puts in another."""
    lines = ",\n".join(f'  "{name}": "{value}"' for name, value in member.parameters().items())
    return (
        f'curl --include --request POST "{DOCUMENTED_ENDPOINT}{PATH}" \\\n'
        '  --header "Authorization: Bearer $SEAM_API_KEY" \\\n'
        f"  --json @- <<EOF\n{{\n{lines}\n}}\nEOF"
    )


def cli(member: Member) -> str:
    """The call in the Seam CLI."""
    flags = " ".join(f'--{name} "{value}"' for name, value in member.parameters().items())
    return f"seam acs users remove-from-access-group {flags}"
