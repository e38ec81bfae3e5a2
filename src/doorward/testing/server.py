"""A server of a test: how to reach it, and what can be done to it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from doorward.testing.door import Door
from doorward.testing.moving import AdvanceTime
from doorward.testing.site import Site


class CallError(Exception):
    """The server refused a call: its status, the error's type and its message."""

    def __init__(self, path: str, status: int, kind: str, message: str) -> None:
        super().__init__(f"{path} was answered {status} {kind}: {message}")
        self.status = status
        self.kind = kind


class Server:
    """A Doorward server in a process of its own, with a database of its own.

    api_key, personal_access_token: may do everything. site: the ids of what its site file declares.
    log: the file that it writes its log to. database_url: past the API, on one's own risk.
    """

    def __init__(self, ask: Callable[..., Any], told: dict[str, Any]) -> None:
        self._ask = ask
        self._name = told["server"]
        self.workspace_id: str = told["workspace_id"]
        self.api_key: str = told["api_key"]
        self.personal_access_token: str = told["personal_access_token"]
        self.database_url: str = told["database_url"]
        self.log = Path(told["log"])
        self.site = Site(told["site"])
        self.endpoint = ""
        self.pid = 0
        self.door = Door(self.call, self.site)
        self.advance_time = AdvanceTime(self.call)
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point the official clients at this server."""
        return {"SEAM_ENDPOINT": self.endpoint, "SEAM_API_KEY": self.api_key}

    def start(self) -> None:
        """Starts it again where it was stopped: the same database, address and doors."""
        told = self._ask("start", server=self._name)
        self.endpoint, self.pid = told["endpoint"], told["pid"]

    def apply(
        self, site: str | os.PathLike[str] | None = None, *, prune: bool = False
    ) -> list[str]:
        """Applies a site file, else the sandbox's, as `doorward apply` does.

        prune: deletes what is gone from the file. Answers its report. Raises HostError for a file
        that does not go with what is there.
        """
        path = None if site is None else str(Path(site).resolve())
        asked = self._ask("apply", server=self._name, site=path, prune=prune)
        lines: list[str] = asked["lines"]
        return lines

    def import_people(self, file: str | os.PathLike[str], *, system: str | None = None) -> int:
        """Imports a CSV file as `doorward import people` does; answers how many people.

        system: name or id of the access system, where there are several. Raises HostError, with
        every bad line.
        """
        path = str(Path(file).resolve())
        count: int = self._ask("import", server=self._name, file=path, system=system)["count"]
        return count

    def stop(self) -> None:
        """Stops it as an operator does. What was answered is there after the next start."""
        self._ask("stop", server=self._name, signal_number=int(signal.SIGTERM))

    def kill(self) -> None:
        """Ends it as a crash does."""
        self._ask("stop", server=self._name, signal_number=int(signal.SIGKILL))

    def restart(self) -> None:
        """Stops it and starts it again."""
        self.stop()
        self.start()

    def call(self, path: str, **parameters: Any) -> Any:
        """The body of the answer to a call, as of `call("/doorward/doors/list")`.

        Values are what JSON has. Raises CallError, and httpx.HTTPError while nobody answers.
        """
        answer = httpx.post(
            self.endpoint + path,
            json=parameters,
            headers={"authorization": f"Bearer {self.api_key}"},
            timeout=30,
            trust_env=False,
        )
        body = answer.json()
        if answer.is_error:
            error = body["error"]
            raise CallError(path, answer.status_code, error["type"], error["message"])
        return body
