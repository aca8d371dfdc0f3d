"""A settings file that was emptied, cut short, removed or replaced: a reload keeps the settings in force."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support.authority import Authority
from support.gate import COMMAND, Gate
from support.login_gate import run_login_gate
from support.namespaces import own_network
from support.programs import run

STATE = '[state]\ndirectory = "."\n'


def reload(gate: Gate, *arguments: str) -> tuple[int, str]:
    """Run `licensegate reload`, and return its exit status and what it printed."""
    state = str(gate.folder)
    done = run(COMMAND, "reload", "--config", gate.settings, *arguments, LICENSEGATE__STATE__DIRECTORY=state)
    return done.returncode, done.stdout + done.stderr


def emptied(file: Path) -> None:
    file.write_text("")


def only_blanks(file: Path) -> None:
    file.write_text(" \n\t\n\r\n")


def only_comments(file: Path) -> None:
    file.write_text("# nothing\n  # here\n")


def only_table_names(file: Path) -> None:
    file.write_text("[auth]\n[clients]\n")


def removed(file: Path) -> None:
    file.unlink()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def cut_short(file: Path) -> None:
    file.write_text(file.read_text()[:20])


SPOILT: dict[Callable[[Path], None], str] = {
    emptied: "there is no setting in it",
    only_blanks: "there is no setting in it",
    only_comments: "there is no setting in it",
    only_table_names: "there is no setting in it",
    removed: "No such file or directory",
    a_folder: "it is a directory, not a regular file",
    cut_short: "not valid TOML",
}


def test_a_spoilt_settings_file_lifts_no_login(tmp_path: Path, authority: Authority) -> None:
    with run_login_gate(tmp_path, authority, more=STATE) as here:
        listening = here.gate.listeners
        written = here.gate.settings.read_text()
        for spoil, words in SPOILT.items():
            spoil(here.gate.settings)
            status, said = reload(here.gate)
            assert (status, words in said) == (1, True), (spoil.__name__, said)
            assert "407" in here.curl().stdout
            if here.gate.settings.is_dir():
                here.gate.settings.rmdir()
            here.gate.settings.write_text(written)
        assert reload(here.gate)[0] == 0
        assert here.gate.listeners == listening


def test_the_defaults_are_put_in_force_on_purpose(tmp_path: Path) -> None:
    settings = f'[[listen]]\naddress = "127.0.0.1:3128"\n[clients]\nnetworks = ["10.0.0.0/8"]\n{STATE}'
    with Gate(tmp_path, settings, prefix=own_network()) as gate:
        gate.settings.write_text("# back to the defaults\n")
        refused, _ = reload(gate)
        done, said = reload(gate, "--defaults")
        gate.send(signal.SIGHUP)  # by default there is no control socket
        unchanged = gate.await_line("reload requested by SIGHUP")

    assert (refused, done) == (1, 0)
    assert 'listen removes {address = "127.0.0.1:3128"}' in said
    assert "clients.networks adds " in said
    assert "nothing has changed" in unchanged


@pytest.mark.parametrize("settings", ["not TOML", '[limits]\ntunels = 1\n[state]\ndirectory = "."\n'])
def test_a_refused_reload_ends_with_1(tmp_path: Path, settings: str) -> None:
    with Gate(tmp_path, '[[listen]]\naddress = "127.0.0.1:0"\n[admin]\nlisten = ""\n' + STATE) as gate:
        gate.settings.write_text(settings)
        done = run(COMMAND, "reload", "--config", gate.settings)

    assert done.returncode == 1
    assert "refused: the settings in force stay: " in done.stderr
    assert os.path.basename(gate.settings) in done.stderr
