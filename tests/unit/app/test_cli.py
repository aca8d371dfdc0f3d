"""The installed command, as an operator runs it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from licensegate.app.settings.environment import variables
from licensegate.app.version import full_version

COMMAND = Path(sys.executable).with_name("licensegate")


def run(*arguments: str | Path, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LICENSEGATE", "STATE_DIR"))}
    return subprocess.run(
        [COMMAND, *arguments], input=stdin, capture_output=True, text=True, env=inherited | environ, check=False
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The only line on standard error of a command that failed."""
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert not done.stdout
    assert line.startswith("licensegate: ")
    return line.removeprefix("licensegate: ")


@pytest.mark.parametrize("arguments", [["version"], ["--version"]], ids=" ".join)
def test_the_version_is_the_packages(arguments: list[str]) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"licensegate {full_version()}\n", "")


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "licensegate.app", "version"], capture_output=True, text=True, check=True
    )

    assert done.stdout == run("version").stdout


def test_the_version_loads_nothing_else() -> None:
    program = (
        "import sys; from licensegate.app.cli import main; main(['version']); "
        "print(*(name for name in sys.modules if name.startswith(('licensegate.', 'msgspec'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1].split() == [
        "licensegate.app",
        "licensegate.app.commands",
        "licensegate.app.commands.help_texts",
        "licensegate.app.terminal",
        "licensegate.app.cli",
        "licensegate.app.version",
        "licensegate.app.commands.version",
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param([], ["serve", "reload", "check", "test-rule", "suggest-rules", "cert", "version"], id="all"),
        pytest.param(["serve"], ["--config FILE", "  0  ", "  1  ", "  2  "], id="serve"),
        pytest.param(["check"], ["--config FILE", "[FILE]", "--user NAME", "  0  ", "  2  "], id="check"),
        pytest.param(["demo"], ["--once | --seconds N", "  0  ", "  1  "], id="demo"),
        pytest.param(["doctor"], ["[TARGET ...]", "--user NAME", "--bundle FILE", "  0  ", "  130"], id="doctor"),
        pytest.param(["test-rule"], ["CLIENT HOST:PORT", "  0  ", "  1  ", "  2  "], id="test-rule"),
        pytest.param(["suggest-rules"], ["--config FILE", "LOG", "| patch", "  0  ", "  2  "], id="suggest-rules"),
        pytest.param(["cert"], ["show", "make", "check", "  0  ", "  1  ", "  2  "], id="cert"),
        pytest.param(["cert", "show"], ["[--config FILE | FILE]"], id="cert show"),
        pytest.param(["cert", "make"], ["--name NAME", "--out DIR", "--days DAYS"], id="cert make"),
        pytest.param(["cert", "check"], ["CERT KEY"], id="cert check"),
    ],
)
def test_help_names_arguments_exit_statuses_and_environment(command: list[str], words: list[str]) -> None:
    done = run(*command, "--help")

    assert done.returncode == 0
    for word in [*words, "LICENSEGATE_CONFIG", "LICENSEGATE__SECTION__KEY", "STATE_DIRECTORY"]:
        assert word in done.stdout


def test_help_names_no_variable_that_there_is_not() -> None:
    named = {word.partition("=")[0] for word in run("--help").stdout.split() if word.startswith("LICENSEGATE__")}

    assert named - {"LICENSEGATE__SECTION__KEY"} <= variables().keys()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "the following arguments are required: COMMAND; see licensegate --help", id="none"),
        pytest.param(["sevre"], "invalid choice: 'sevre'", id="unknown command"),
        pytest.param(["check", "one", "two"], "unrecognized arguments: two", id="one too many"),
        pytest.param(["serve", "--conf", "x"], "unrecognized arguments: --conf x", id="abbreviated"),
        pytest.param(["serve", "--config"], "see licensegate serve --help", id="no file"),
        pytest.param(["test-rule", "10.1.2.3"], "the following arguments are required: HOST:PORT", id="no target"),
        pytest.param(["test-rule", "cucm", "a.example:443"], "'cucm' is not an IP address", id="no client"),
        pytest.param(["test-rule", "10.1.2.3", "a.example"], "target_malformed: ", id="no port"),
        pytest.param(["check", "/missing.toml"], "/missing.toml: No such file or directory", id="missing file"),
        pytest.param(["serve", "--config", "/missing.toml"], "/missing.toml: No such file", id="missing file to serve"),
        pytest.param(
            ["test-rule", "--config", "/missing.toml", "10.1.2.3", "a.example:443"],
            "/missing.toml: No such file",
            id="missing file to test a rule of",
        ),
        pytest.param(["suggest-rules"], "the following arguments are required: LOG", id="no log"),
        pytest.param(["doctor", "https://a.example/"], "is a URL or a path; write a target like", id="URL to examine"),
        pytest.param(
            ["doctor", "--config", "/missing.toml"], "/missing.toml: No such file", id="missing file to examine"
        ),
        pytest.param(["doctor", "--password-file", "x"], "--password-file needs --login", id="password of nobody"),
        pytest.param(["suggest-rules", "/"], "/: Is a directory; name an access log that can be read", id="no file"),
        pytest.param(["suggest-rules", __file__], "no line is a record of the gate", id="no access log"),
        pytest.param(
            ["suggest-rules", "--config", "/missing.toml", "-"],
            "/missing.toml: No such file",
            id="missing file to add to",
        ),
        pytest.param(["cert"], "required: ACTION; see licensegate cert --help", id="no action"),
        pytest.param(["cert", "show"], "does not keep it; set tls.certificate", id="no certificate to show"),
        pytest.param(["cert", "show", "--config", "a", "b"], "not allowed with", id="two certificates to show"),
        pytest.param(
            ["cert", "make", "--out", "/missing"], "/missing: cannot write a certificate there", id="no folder"
        ),
        pytest.param(["cert", "make", "--days", "0"], "'0' is not a number of days from 1 to 36525", id="no days"),
        pytest.param(["cert", "make", "--days", "x"], "'x' is not a number of days from 1 to 36525", id="invalid days"),
        pytest.param(["cert", "check", "/missing.pem", "/missing.key"], "/missing.pem: No such file", id="no pair"),
        pytest.param(
            ["check", "/a\nb\x1b[31m.toml"], "/a\\nb\\x1b[31m.toml: No such file", id="file name of two lines"
        ),
    ],
)
def test_command_error_is_one_line(arguments: list[str], words: str) -> None:
    assert words in complaint(run(*arguments))


def test_check_shows_the_settings_that_would_apply(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("[[listen]]\naddress = '127.0.0.1:3128'\n")

    done = run("check", tmp_path / "gate.toml", LICENSEGATE__LOG__LEVEL="debug")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"settings      {tmp_path}/gate.toml with LICENSEGATE__LOG__LEVEL\n" in done.stdout
    assert "listen        127.0.0.1:3128\n" in done.stdout
    assert "level debug\n" in done.stdout


def test_check_takes_the_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("[limits]\ntunnels = 0\n")

    done = run("check", LICENSEGATE_CONFIG=str(tmp_path / "gate.toml"))

    assert complaint(done) == f"{tmp_path}/gate.toml: limits.tunnels: 0 is not a whole number from 1 to 1000000"


def test_check_warns_on_standard_error_and_succeeds() -> None:
    done = run("check", LICENSEGATE_LOG_LEVEL="debug")

    assert done.returncode == 0
    assert done.stderr == (
        "licensegate: warning: LICENSEGATE_LOG_LEVEL is ignored, because Kubernetes sets such names; "
        "write LICENSEGATE__LOG__LEVEL\n"
    )


def test_check_refuses_an_unknown_variable() -> None:
    assert complaint(run("check", LICENSEGATE__LOG__LEVLE="debug")) == (
        "LICENSEGATE__LOG__LEVLE: unknown setting; did you mean LICENSEGATE__LOG__LEVEL?"
    )


def test_check_names_a_file_whose_name_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"gate-\xff.toml")
    path.touch()

    done = run("check", path)

    assert done.returncode == 0
    assert "gate-\\udcff.toml" in done.stdout


@pytest.mark.parametrize(
    ("target", "status", "first"),
    [
        pytest.param("tools.cisco.com:443", 0, "allowed", id="allowed"),
        pytest.param("smartreceiver.cisco.com:443", 1, "refused: target_in_preset (403)", id="refused"),
    ],
)
def test_test_rule_exit_status_is_the_decision(target: str, status: int, first: str) -> None:
    done = run("test-rule", "10.1.2.3", target)

    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.splitlines()[0] == first


def test_test_rule_reads_the_settings(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("[clients]\nnetworks = ['127.0.0.0/8']\n")

    done = run("test-rule", "--config", tmp_path / "gate.toml", "10.1.2.3", "tools.cisco.com:443")

    assert done.returncode == 1
    assert done.stdout.startswith("refused: client_not_allowed (403)\n")


def logged(*targets: str, schema: int = 2) -> str:
    """An access log in which a client was refused these targets."""
    connection = {"id": "1", "client": "10.1.2.3", "client_port": 40000, "listener": "0.0.0.0:3128"}
    record = connection | {"schema": schema, "event": "end", "time": "2026-09-01T08:00:00Z", "allowed": False}
    return "".join(f"{json.dumps(record | {'target': target})}\n" for target in targets)


def test_suggest_rules_prints_rules_for_refused_targets(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("# gr\u00fc\u00dfe\n[allowlist]\npresets = []\n", encoding="utf-8")
    (tmp_path / "access.jsonl").write_text(logged("smartreceiver.cisco.com:443") + "x\n")

    done = run("suggest-rules", "--config", tmp_path / "gate.toml", tmp_path / "access.jsonl", PYTHONIOENCODING="ascii")

    assert done.returncode == 0
    assert done.stderr == "licensegate: warning: skipped lines that are not records of the gate: 2\n"
    assert f"--- {tmp_path}/gate.toml\n" in done.stdout
    assert "-presets = []\n" in done.stdout
    assert '+presets = ["smart-transport"]\n' in done.stdout
    assert " # gr\u00fc\u00dfe\n" in done.stdout


@pytest.mark.parametrize(
    ("log", "status", "message"),
    [
        pytest.param(
            logged("a.example:443") + 2 * logged("b.example:443", schema=1),
            0,
            "warning: skipped 2 lines of schema 1, written before schema 2; only lines of this release are read",
            id="with newer lines",
        ),
        pytest.param(
            logged("b.example:443", schema=1) + "x\n",
            2,
            "-: only 1 line of schema 1, written before schema 2; name a log of this release",
            id="alone",
        ),
    ],
)
def test_suggest_rules_says_which_lines_an_older_release_wrote(log: str, status: int, message: str) -> None:
    done = run("suggest-rules", "-", stdin=log)

    assert (done.returncode, done.stderr) == (status, f"licensegate: {message}\n")
    assert "b.example" not in done.stdout


def test_suggest_rules_reads_standard_input_and_licensegate_config(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("")

    done = run("suggest-rules", "-", stdin=logged("a.example:443"), LICENSEGATE_CONFIG=str(tmp_path / "gate.toml"))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"--- {tmp_path}/gate.toml\n")
    assert done.stdout.endswith('+host = "a.example"\n')


def test_suggest_rules_has_nothing_to_say_of_an_empty_log() -> None:
    done = run("suggest-rules", "-", stdin="")

    assert (done.returncode, done.stdout) == (0, "# nothing to add: every target in the log is allowed\n")


def test_cert_checks_and_shows_the_certificate_that_it_made(tmp_path: Path) -> None:
    made = run("cert", "make", "--name", "gate.example", "--days", "90", "--out", tmp_path)
    checked = run("cert", "check", tmp_path / "gate.pem", tmp_path / "gate.key")
    shown = run("cert", "show", STATE_DIRECTORY=str(tmp_path))

    for done in (made, checked, shown):
        assert (done.returncode, done.stderr) == (0, "")
        assert "names         gate.example\n" in done.stdout
    assert checked.stdout == f"{shown.stdout}the gate can serve it\n"


def test_cert_check_exits_1_for_an_unusable_pair(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run("cert", "make", "--out", tmp_path / name)

    done = run("cert", "check", tmp_path / "one/gate.pem", tmp_path / "two/gate.key")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("\ndo not serve it\n")


def test_closed_output_pipe_is_not_reported() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        done = subprocess.run([COMMAND, "check"], stdout=output, stderr=subprocess.PIPE, check=False)

    assert (done.returncode, done.stderr) == (2, b"")


def test_unwritable_output_is_a_one_line_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([COMMAND, "version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == "licensegate: cannot write to standard output: No space left on device\n"


def interrupted(process: subprocess.Popen[bytes]) -> bytes:
    """Interrupt a process that reads; return what it printed on standard error.

    Again after a while: an interrupt just before the read would end it only once there is something to read.
    """
    while True:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=5)[1]


def test_an_interrupt_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    reading = subprocess.Popen([COMMAND, "suggest-rules", tmp_path / "log"], stderr=subprocess.PIPE)
    with (tmp_path / "log").open("wb"):  # opens once the command waits for what is written here
        said = interrupted(reading)

    assert (reading.returncode, said) == (130, b"")


def test_check_names_the_line_of_a_file_of_users_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "users.htpasswd").write_text("cucm:plain\n")
    (tmp_path / "gate.toml").write_text("[auth]\nrequired = true\nhtpasswd = 'users.htpasswd'\n")

    done = run("check", tmp_path / "gate.toml")

    assert done.returncode == 2
    assert done.stderr.startswith(f"licensegate: {tmp_path}/users.htpasswd, line 1: the hash is neither bcrypt nor")


def test_check_refuses_a_token_that_the_gate_would_not_take(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("short")
    (tmp_path / "gate.toml").write_text("[admin]\ntoken_file = 'admin.token'\n")

    done = run("check", tmp_path / "gate.toml")

    assert done.returncode == 2
    assert done.stderr.startswith(
        f"licensegate: admin.token_file: {tmp_path}/admin.token holds no token: one word of 16"
    )


@pytest.mark.parametrize(
    ("who", "status", "said"),
    [
        ([], 1, "refused: login_required (407)"),
        (["--user", "satellite"], 0, "allowed"),
        (["--user", "cucm"], 1, "refused: target_not_for_client (403)"),
        (["--user", "satellite", "--certificate", "x"], 0, "allowed"),
    ],
    ids=["nobody", "the rule's user", "another", "with a certificate"],
)
def test_test_rule_judges_as_if_a_client_had_logged_in(tmp_path: Path, who: list[str], status: int, said: str) -> None:
    (tmp_path / "users.htpasswd").touch()
    rule = "[[allowlist.rule]]\nhost = 'api.cisco.com'\nusers = ['satellite']\n"
    (tmp_path / "gate.toml").write_text(f"[auth]\nrequired = true\nhtpasswd = 'users.htpasswd'\n{rule}")

    done = run("test-rule", "--config", tmp_path / "gate.toml", *who, "10.1.2.3", "api.cisco.com:443")

    assert (done.returncode, done.stdout.partition("\n")[0]) == (status, said)
