"""`licensegate demo` as a process: its stories come true, without a network, and nothing of it is left behind."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest

from licensegate.demo.stories import STORIES, Story
from licensegate.language.language import JAPANESE
from support.gate import COMMAND
from support.network import Network
from support.programs import run_within

pytestmark = pytest.mark.timeout(300)  # the first test starts the demos of all

SECONDS = 120
"""For a demo to start or to end: on a loaded machine each of its processes is late."""

PAGE = re.compile(r"http://(127\.0\.0\.1:[0-9]+)/\n")
GO_ON = re.compile(r"Ctrl-C")


class Demo:
    """A running demo, whose files are in a folder of its own. `printed` are its lines so far."""

    def __init__(self, *options: str, **environment: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="demo-"))  # pytest's own folders have paths too long for sockets
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_"))}
        self.process = subprocess.Popen(
            [COMMAND, "demo", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=inherited | {"TMPDIR": str(self.folder), "HOME": str(self.folder), "LANG": "C.UTF-8"} | environment,
        )
        self.printed: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.printed.append(line)
                self._more.notify_all()
        self.process.stdout.close()

    def await_line(self, words: re.Pattern[str]) -> re.Match[str]:
        """Wait for a line."""
        with self._more:
            found = self._more.wait_for(lambda: words.search("".join(self.printed)), SECONDS)
        assert found, self.printed
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.status()
        until(lambda: not self.processes())
        shutil.rmtree(self.folder)

    def stopped(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.status()

    def status(self) -> int:
        """Wait for its end and return its exit status."""
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status

    def left_behind(self) -> tuple[list[str], list[tuple[int, str]]]:
        """The names of what is in its folder, which may be vanishing, and its processes."""
        names = [name for _, folders, files in os.walk(self.folder) for name in (*folders, *files)]
        return names, self.processes()

    def processes(self) -> list[tuple[int, str]]:
        """Number and command line of each process of it, known by the folder in its environment."""
        mark = f"TMPDIR={self.folder}".encode()
        found = ((int(process.name), command_of(process, mark)) for process in Path("/proc").glob("[0-9]*"))
        return [(number, command) for number, command in found if command]


def command_of(process: Path, mark: bytes) -> str:
    """The command line of a process that has a variable beginning so, else nothing."""
    with contextlib.suppress(OSError):  # it is another user's, or has ended
        if any(line.startswith(mark) for line in (process / "environ").read_bytes().split(b"\0")):
            return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition. Raises AssertionError after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def playing() -> Iterator[Demo]:
    """A demo that plays until it is stopped."""
    with Demo() as demo:
        demo.await_line(GO_ON)
        yield demo


def page(demo: Demo, path: str) -> str:
    """A page of the gate of a demo."""
    connection = HTTPConnection(demo.await_line(PAGE)[1], timeout=SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200, path
        return response.read().decode()


def asked(demo: Demo, path: str) -> Any:
    """What the gate of a demo answers in JSON."""
    return json.loads(page(demo, path))


def row_of(demo: Demo, story: Story) -> tuple[str, str]:
    """The level and the finding that the gate gives the client of a story."""
    found = asked(demo, f"/api/clients?q={quote(story.client.name)}")["clients"]
    return next(((row["level"], row["finding"]) for row in found if row["name"] == story.client.name), ("", ""))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.client.name)
def test_the_gate_says_what_a_story_tells(playing: Demo, story: Story) -> None:
    until(lambda: row_of(playing, story) == (story.level, story.label))

    attention = [row["name"] for row in asked(playing, "/api/overview")["attention"] if row["about"] == "client"]
    assert (story.client.name in attention) is (story.level != "ok")
    assert story.client.name in page(playing, story.path)
    if story.path == "/refusals":
        refusals = asked(playing, "/api/refusals")["refusals"]
        assert story.label in [row["finding"] for row in refusals if row["client"] == story.client.address]


def records(demo: Demo, client: str) -> list[dict[str, Any]]:
    """The records of the client with this address, once there is one."""
    (log,) = demo.folder.glob("*/access.jsonl")

    def found() -> list[dict[str, Any]]:
        text = log.read_text()
        whole = map(json.loads, text[: text.rfind("\n") + 1].splitlines())
        return [record for record in whole if record["client"] == client]

    until(found)
    return found()


@pytest.mark.parametrize(
    "story", [story for story in STORIES if story.finding is not None], ids=lambda story: story.client.name
)
def test_a_contact_leaves_the_record_of_its_story(playing: Demo, story: Story) -> None:
    assert {record["finding"] for record in records(playing, story.client.address)} == {story.label}


def test_the_gate_logs_in_at_the_parent_for_a_client_that_cannot(playing: Demo) -> None:
    (old,) = (story.client for story in STORIES if story.needs_parent)
    (log,) = playing.folder.glob("*/proxy.py.log")

    assert {record["parent_login"] for record in records(playing, old.address)} == {"basic"}
    assert "ProxyAuthenticationFailed" in log.read_text()


def test_it_needs_no_network_and_no_names(tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as files,
        Network(tmp_path, {}, resolv_conf="nameserver 127.0.0.1\n") as network,
    ):
        command = (*network.inside, str(COMMAND), "demo", "--once")
        done = run_within(SECONDS, *command, TMPDIR=files, LC_ALL="", LANG="ja_JP.UTF-8", PYTHONUTF8="1")

        assert (done.returncode, done.stderr) == (0, "")
        assert os.listdir(files) == []
    assert all(JAPANESE.gettext(story.says) in done.stdout for story in STORIES)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name)
def test_a_signal_ends_all_of_it_while_it_starts(number: signal.Signals) -> None:
    with Demo() as demo:
        until(lambda: list(demo.folder.glob("*/licensegate.toml")))
        assert any(" proxy.main" in command for _, command in demo.processes())

        assert demo.stopped(number) == (-signal.SIGKILL if number is signal.SIGKILL else 0)
        if number is signal.SIGKILL:
            until(lambda: demo.left_behind() == ([], []))
        assert demo.left_behind() == ([], [])


def test_a_process_that_ends_is_named_and_ends_this_demo_alone(playing: Demo) -> None:
    with Demo() as demo:
        assert demo.await_line(PAGE)[1] != playing.await_line(PAGE)[1]
        (gate,) = (number for number, command in demo.processes() if " serve " in command)
        os.kill(gate, signal.SIGKILL)

        assert demo.status() == 1
        assert "licensegate: licensegate ended unexpectedly: " in "".join(demo.printed)
        assert demo.left_behind() == ([], [])
    assert asked(playing, "/healthz")


def test_ctrl_c_ends_all_of_it_in_the_middle_of_its_play(playing: Demo) -> None:
    page = playing.await_line(PAGE)[1]

    assert playing.stopped(signal.SIGINT) == 0
    assert playing.left_behind() == ([], [])
    assert is_closed(page)


def is_closed(address: str) -> bool:
    """Whether nothing listens at this address."""
    try:
        HTTPConnection(address, timeout=SECONDS).connect()
    except ConnectionRefusedError:
        return True
    return False
