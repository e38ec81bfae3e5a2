"""The process's log: its two forms, what is kept out of it, and that nobody waits for a reader."""

import asyncio
import errno
import gc
import json
import logging
import os
import re
import sqlite3
import threading
import time
import tty
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvloop

from doorward.errors import StartError
from doorward.faults import told
from doorward.logs import LogWriter, logging_to, tell_loop_fault
from doorward.logs.writer import CAPACITY
from tests.running import RunningServer

SECRET = "PIN 4711 of Jane"
OURS = logging.getLogger("doorward.doors.tasks")


class Log:
    """A log that is written to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def during(self, happening: Callable[[], object], form: str = "json") -> str:
        with self._path.open("w") as stream, logging_to(stream, form):
            happening()
        return self._path.read_text("utf-8")

    def line(self, happening: Callable[[], object]) -> dict[str, Any]:
        (line,) = self.during(happening).splitlines()
        event: dict[str, Any] = json.loads(line)
        return event


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


def fail() -> None:
    error = RuntimeError(SECRET)
    error.add_note(SECRET)
    raise error from ExceptionGroup(SECRET, [ValueError(SECRET), KeyError(SECRET)])


def log_failure(logger: logging.Logger, message: str = "it failed") -> None:
    try:
        fail()
    except RuntimeError:
        logger.exception(message)


def test_json_is_an_object_a_line(log: Log) -> None:
    event = log.line(lambda: OURS.warning("%d of %s", 2, "three", extra={"fields": {"path": None}}))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("time"))
    assert event == {
        "level": "warning",
        "logger": "doorward.doors.tasks",
        "event": "2 of three",
        "path": None,
    }


def test_the_time_is_utc(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        at = log.line(lambda: OURS.info("now"))["time"]
        assert at[:13] == time.strftime("%Y-%m-%dT%H", time.gmtime())
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_of_no_interest_is_not_written(log: Log) -> None:
    assert log.during(lambda: OURS.debug("a detail")) == ""


def test_the_console_has_lines_for_people(log: Log) -> None:
    fields = {"path": "/health", "status": 200, "error": None}
    text = log.during(lambda: OURS.info("request", extra={"fields": fields}), "console")
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[info +\] request ", text)
    assert "path=/health status=200" in text
    assert "error" not in text
    assert "\x1b" not in text


def test_a_fault_has_lines_of_its_own_on_the_console(log: Log) -> None:
    text = log.during(lambda: log_failure(OURS), "console")
    assert text.splitlines()[0].endswith("it failed [doorward.doors.tasks]")
    assert "builtins.RuntimeError at" in text.splitlines()


@pytest.mark.parametrize(("no_color", "is_coloured"), [("", True), ("1", False)])
def test_colours_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, no_color: str, is_coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours, "rb", buffering=0) as screen:
        with logging_to(terminal, "console"):
            OURS.warning("hello")
        assert (b"\x1b[" in screen.read(4096)) is is_coloured


@pytest.mark.parametrize("name", ["doorward.wire", "uvicorn.error", "asyncio", "asyncpg.pool"])
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_fault_is_quoted_whoever_logs_it(log: Log, name: str, form: str) -> None:
    text = log.during(lambda: log_failure(logging.getLogger(name)), form)
    assert "4711" not in text
    for told_of in ("RuntimeError", "ExceptionGroup", "ValueError", "KeyError", "test_logs.py"):
        assert told_of in text


def test_errors_as_arguments_are_not_quoted(log: Log) -> None:
    text = log.during(lambda: OURS.error("%s: %s", "door", ValueError(SECRET)))
    assert "4711" not in text
    assert "door: builtins.ValueError" in text
    assert "4711" not in log.during(lambda: OURS.error(ValueError(SECRET)))


@pytest.mark.parametrize("error", [StartError("no wheel"), OSError(errno.ENOSPC, "no space")])
def test_what_the_operator_is_to_do_is_told(log: Log, error: Exception) -> None:
    assert str(error) in log.during(lambda: OURS.error("not yet: %s", error))


@pytest.mark.parametrize(
    "speak",
    [
        lambda logger: logger.warning("%s took %.1f seconds", SECRET, 1.5),
        lambda logger: logger.warning("%(a)s took %(b).1f seconds", {"a": SECRET, "b": 1.5}),
        lambda logger: logger.warning(
            "%r took %.1f seconds", [SECRET], 1.5, extra={"fields": {"name": SECRET}}
        ),
    ],
)
def test_libraries_values_are_left_out(log: Log, speak: Callable[[logging.Logger], None]) -> None:
    event = log.line(lambda: speak(logging.getLogger("asyncio")))
    assert re.fullmatch(r"\W+ took 1\.5 seconds", event["event"])
    assert "4711" not in str(event)


def _in_a_loop(happening: Callable[[asyncio.AbstractEventLoop], object]) -> Callable[[], None]:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(tell_loop_fault)
        happening(loop)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()

    def start() -> None:
        for make in (asyncio.new_event_loop, uvloop.new_event_loop):
            with asyncio.Runner(loop_factory=make) as runner:
                runner.run(run())

    return start


async def _fail(secret: str) -> None:  # noqa: ARG001
    fail()


def _call(secret: str) -> None:  # noqa: ARG001
    fail()


@pytest.mark.parametrize(
    "happening",
    [
        lambda loop: loop.create_task(_fail(SECRET), name="follower") and None,
        lambda loop: loop.call_soon(_call, SECRET),
    ],
    ids=["task", "callback"],
)
def test_faults_that_nobody_handles(
    log: Log, happening: Callable[[asyncio.AbstractEventLoop], object]
) -> None:
    text = log.during(_in_a_loop(happening))
    assert len(text.splitlines()) == 2
    assert "4711" not in text
    assert text.count("nobody handled a fault in ") == 2
    assert text.count("builtins.RuntimeError") == 2


class _Unfortunate:
    def __del__(self) -> None:
        fail()


def _in_a_finalizer() -> None:
    _Unfortunate()


def _in_a_thread() -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


@pytest.mark.parametrize("happening", [_in_a_thread, _in_a_finalizer])
def test_faults_that_python_prints_itself(
    log: Log, happening: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    event = log.line(happening)
    assert "RuntimeError" in event["exception"]
    assert "4711" not in str(event) + capfd.readouterr().err


def test_warnings_are_told_without_their_message(log: Log) -> None:
    def warn() -> None:
        warnings.simplefilter("always")
        warnings.warn(SECRET, UserWarning, stacklevel=1)

    event = log.line(warn)
    assert re.fullmatch(r"UserWarning at \S+test_logs\.py line \d+", event["event"])


def test_codes_say_what_to_do(tmp_path: Path) -> None:
    def caught(failing: Callable[[], object]) -> str:
        try:
            failing()
        except Exception as error:  # noqa: BLE001
            return told(error)
        return ""

    missing = tmp_path / SECRET
    assert "FileNotFoundError (ENOENT) at" in caught(missing.read_text)
    connection = sqlite3.connect(":memory:")
    assert "OperationalError (SQLITE_ERROR) at" in caught(lambda: connection.execute(SECRET))
    connection.close()
    assert "(23505) at" in told(asyncpg.UniqueViolationError(SECRET))
    for text in (caught(missing.read_text), told(asyncpg.UniqueViolationError(SECRET))):
        assert "4711" not in text


def test_causes_in_a_circle_come_to_an_end() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert told(first).count(" at") == 2


def test_half_a_character_harms_nobody(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest's own handler keeps it, and cannot hand it on to another process.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for form in ("json", "console"):
        assert r"\udc80" in log.during(lambda: OURS.error("%s is damaged", "a\udc80b"), form)


class _Wordless:
    def __str__(self) -> str:
        raise ValueError(SECRET)


def test_whoever_logs_wrongly_goes_on(log: Log, capfd: pytest.CaptureFixture[str]) -> None:
    event = log.line(lambda: OURS.error("here", extra={"fields": {"name": _Wordless()}}))
    assert event["event"] == "something was logged that cannot be written"
    assert (event["level"], event["logger"]) == ("error", OURS.name)
    assert "4711" not in capfd.readouterr().err + str(event)


def test_everything_is_as_before_at_the_end(log: Log) -> None:
    import sys

    root = logging.getLogger()
    before = (root.level, list(root.handlers), sys.unraisablehook, threading.excepthook)
    shown = warnings.showwarning
    log.during(lambda: None)
    assert (root.level, list(root.handlers), sys.unraisablehook, threading.excepthook) == before
    assert warnings.showwarning is shown


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Two ends: to read, to write."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError as gone:
            assert gone.errno == errno.EBADF  # noqa: PT017


def _read_all(end: int) -> str:
    with os.fdopen(end, "rb") as stream:
        return stream.read().decode()


def test_a_reader_that_hangs_costs_lines_and_not_the_server(
    pipe: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    reading, writing = pipe
    writer = LogWriter(writing, capacity=200_000)
    with writer.running(60):
        for number in range(1000):
            writer.put(f"{number:05d} {'x' * 994}")
        # All of them were taken or given up by now, though nobody has read anything.
        assert 700 < writer.lost < 1000
        kept: list[str] = []
        reader = threading.Thread(target=lambda: kept.append(_read_all(reading)))
        reader.start()
        while writer._size:
            time.sleep(0.01)
        writer.put("the end")
    os.close(writing)
    reader.join()
    *lines, last = kept[0].splitlines()
    assert [int(line[:5]) for line in lines] == list(range(1000 - writer.lost))
    assert {len(line) for line in lines} == {1000}
    assert last == "the end"
    assert "lines lost" in caplog.text


def test_nobody_reads_any_more(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    writer = LogWriter(writing)
    with writer.running(60):
        writer.put("one\ntwo")
    assert writer.lost == 1


def test_a_descriptor_that_does_not_block(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.set_blocking(writing, False)
    writer = LogWriter(writing)
    kept: list[str] = []
    reader = threading.Thread(target=lambda: kept.append(_read_all(reading)))
    with writer.running(60):
        for _ in range(300):
            writer.put("x" * 999)
        time.sleep(0.1)
        reader.start()
    os.close(writing)
    reader.join()
    assert (kept[0], writer.lost) == (("x" * 999 + "\n") * 300, 0)


def test_the_end_does_not_wait_for_a_reader_that_hangs(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LogWriter(writing)
    with writer.running(0.05):
        writer.put("x" * (CAPACITY // 2))
    (thread,) = (each for each in threading.enumerate() if each.name == "log")
    # Or it would go on writing to whatever gets the descriptor next.
    while thread.is_alive():
        os.read(reading, 2**20)
        thread.join(0.001)


def test_a_server_whose_log_nobody_reads_goes_on_answering(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    server = RunningServer(tmp_path / "data", "--log", "json")
    server.start(stderr=pipe[1])
    try:
        with httpx.Client(base_url=server.endpoint) as client:
            for _ in range(600):
                assert client.get("/nothing/here").status_code == 404
            assert client.get("/health").status_code == 200
    finally:
        assert server.stop() == 0
    os.set_blocking(pipe[0], False)
    read = os.read(pipe[0], 2**20)
    assert 0 < read.count(b"\n") < 600, "the pipe was not even full"
