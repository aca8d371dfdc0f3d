import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.app.settings import SettingsError, load
from licensegate.app.settings.environment import override, variables
from licensegate.app.settings.schema import File, LimitsTable, ListenTable, LogTable, RuleTable


def test_every_key_has_a_variable_with_two_underscores() -> None:
    assert variables()["LICENSEGATE__LISTEN"] == "listen"
    assert variables()["LICENSEGATE__ALLOWLIST__RULE"] == "allowlist.rule"
    assert variables()["LICENSEGATE__DIAL__CONNECT_TO"] == "dial.connect_to"
    assert len(variables()) == len(set(variables().values()))


def test_a_variable_overrides_its_key_and_no_other() -> None:
    file = File(limits=LimitsTable(tunnels=5, head_bytes=2048), log=LogTable(level="debug"))

    laid_over, used = override(file, {"LICENSEGATE__LIMITS__TUNNELS": "7"})

    assert laid_over == File(limits=LimitsTable(tunnels=7, head_bytes=2048), log=LogTable(level="debug"))
    assert used == {"limits.tunnels": "LICENSEGATE__LIMITS__TUNNELS"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("10.0.0.0/8,fd00::/8", ("10.0.0.0/8", "fd00::/8"), id="two"),
        pytest.param(" 10.0.0.0/8 ,\n fd00::/8, ", ("10.0.0.0/8", "fd00::/8"), id="with blanks and a last comma"),
        pytest.param("", (), id="none"),
    ],
)
def test_a_list_is_separated_by_commas_and_replaces_the_files(text: str, expected: tuple[str, ...]) -> None:
    assert override(File(), {"LICENSEGATE__CLIENTS__NETWORKS": text})[0].clients.networks == expected


def test_listeners_and_rules_have_a_short_form() -> None:
    file, _ = override(
        File(),
        {
            "LICENSEGATE__LISTEN": "0.0.0.0:3128, [::]:3128",
            "LICENSEGATE__ALLOWLIST__RULE": "ssm.example.net:443,*.example.org:8443,[2001:db8::1]:443",
        },
    )

    assert file.listen == (ListenTable("0.0.0.0:3128"), ListenTable("[::]:3128"))
    assert file.allowlist.rule == (
        RuleTable("ssm.example.net"),
        RuleTable("*.example.org", 8443),
        RuleTable("[2001:db8::1]"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("1", True), ("True", True), ("false", False), ("0", False), (" false ", False)],
)
def test_true_and_false_are_read_in_their_usual_spellings(text: str, expected: bool) -> None:
    assert override(File(), {"LICENSEGATE__TUNNEL__REQUIRE_TLS": text})[0].tunnel.require_tls is expected


def test_names_that_kubernetes_sets_are_ignored() -> None:
    environ = {
        "LICENSEGATE_PORT": "tcp://10.96.0.17:3128",
        "LICENSEGATE_SERVICE_HOST": "10.96.0.17",
        "LICENSEGATE_PORT_3128_TCP_ADDR": "10.96.0.17",
        "LICENSEGATE": "1",
        "PATH": "/usr/bin",
    }

    assert override(File(), environ) == (File(), {})


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        pytest.param(
            "LICENSEGATE__LIMITS__TUNNEL",
            "5",
            "unknown setting; did you mean LICENSEGATE__LIMITS__TUNNELS?",
            id="unknown key",
        ),
        pytest.param(
            "LICENSEGATE__TUNNELS",
            "5",
            "unknown setting; did you mean LICENSEGATE__LIMITS__TUNNELS?",
            id="without its section",
        ),
        pytest.param(
            "LICENSEGATE__STATE__PASSWORD",
            "5",
            "unknown setting; known here: LICENSEGATE__STATE__DIRECTORY",
            id="like no key of its section",
        ),
        *(
            pytest.param(
                "LICENSEGATE__LISTEN",
                f"{quote}0.0.0.0:3128{quote}",
                "its value has quotes around it, which belong to no value; remove them",
                id=f"in quotes, {quote}",
            )
            for quote in ("'", '"')
        ),
        pytest.param(
            "LICENSEGATE__limits__tunnels",
            "5",
            "unknown setting; did you mean LICENSEGATE__LIMITS__TUNNELS?",
            id="lower case",
        ),
        pytest.param(
            "LICENSEGATE__LIMITS__TUNNELS", "many", '"many" is not a whole number from 1 to 1000000', id="no number"
        ),
        pytest.param("LICENSEGATE__LIMITS__TUNNELS", "", '"" is not a whole number from 1 to 1000000', id="empty"),
        pytest.param("LICENSEGATE__LIMITS__HEAD_SECONDS", "nan", '"nan" is not a number from 0.1 to 86400', id="nan"),
        pytest.param(
            "LICENSEGATE__ALLOWLIST__MODE", "off", '"off" is not one of "enforce", "report"', id="no such mode"
        ),
        pytest.param("LICENSEGATE__TUNNEL__REQUIRE_TLS", "maybe", '"maybe" is not true or false', id="no boolean"),
        pytest.param(
            "LICENSEGATE__TUNNEL__NETWORK",
            "10.0.0.0/8",
            "can be set in the settings file only, which LICENSEGATE_CONFIG names",
            id="too much for a variable",
        ),
        pytest.param(
            "LICENSEGATE__LOG__LEVEL",
            "loud",
            '"loud" is not one of "debug", "error", "info", "warning"',
            id="no such level",
        ),
    ],
)
def test_an_invalid_value_is_reported_with_its_variable(variable: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        override(File(), {variable: text})

    assert str(raised.value) == f"{variable}: {message}"


@pytest.mark.parametrize("variable", ["LICENSEGATE_CONFIG", *variables()])
def test_a_value_that_is_not_utf_8_is_named_but_not_shown(variable: str) -> None:
    assert complaint({variable: b"caf\xe9".decode(errors="surrogateescape")}) == (
        f"{variable}: its value is not text in UTF-8; set it again, in UTF-8"
    )


@pytest.mark.parametrize("item", ["ssm.example.net", "ssm.example.net:", "ssm.example.net:https", "a:0", "2001:db8::x"])
def test_a_rule_without_a_port_is_named_with_its_number(item: str) -> None:
    with pytest.raises(SettingsError) as raised:
        override(File(), {"LICENSEGATE__ALLOWLIST__RULE": f"a.example:443,{item}"})

    assert str(raised.value) == (
        f'LICENSEGATE__ALLOWLIST__RULE, item 2: "{item}" is not HOST:PORT, like ssm.example.net:443'
    )


_as_the_system_gives_it = st.binary(max_size=40).map(
    lambda raw: raw.replace(b"\0", b"").decode(errors="surrogateescape")
)


@given(
    st.dictionaries(st.sampled_from(sorted(variables())), st.text(max_size=40) | _as_the_system_gives_it, max_size=3)
)
@settings(deadline=None)
def test_no_text_raises_anything_but_a_settings_error(environ: dict[str, str]) -> None:
    said = complaint(environ)

    assert not said or said.startswith(tuple(environ))


def complaint(environ: dict[str, str]) -> str:
    """What is wrong with the environment, empty if nothing is."""
    try:
        load(None, environ)
    except SettingsError as error:
        return str(error)
    return ""
