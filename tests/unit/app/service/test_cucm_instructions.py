"""What the gate says to type into CUCM, for listeners of every kind."""

from pathlib import Path

import pytest

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.preset import load_presets
from licensegate.app.service import cucm_instructions as module
from licensegate.app.service.cucm_instructions import Reach, cucm_instructions, in_container

OWN = ("10.1.2.3", "10.1.2.3", "192.0.2.7", "127.0.0.1", "169.254.3.4", "::1", "2001:db8::2")
CUCM = Policy(("cucm",), (), load_presets())


def typed(reach: Reach) -> str:
    """What follows "type:"."""
    return cucm_instructions(reach, CUCM).partition("type: ")[2]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        pytest.param([("10.5.5.5", 3128)], "IP Address/Host Name 10.5.5.5, Port 3128", id="one address"),
        pytest.param(
            [("10.5.5.5", 3128), ("10.5.5.5", 443)],
            "IP Address/Host Name 10.5.5.5, Port 3128 (or 443)",
            id="two ports",
        ),
        pytest.param(
            [("0.0.0.0", 3128), ("0.0.0.0", 8080)],
            "IP Address/Host Name 10.1.2.3 or 192.0.2.7, Port 3128 (or 8080)",
            id="all IPv4 addresses",
        ),
        pytest.param([("::", 443)], "IP Address/Host Name 2001:db8::2, Port 443", id="all IPv6 addresses"),
        pytest.param(
            [("::", 3128), ("0.0.0.0", 3128)],
            "IP Address/Host Name 10.1.2.3 or 192.0.2.7 or 2001:db8::2, Port 3128",
            id="both families, IPv4 first",
        ),
        pytest.param(
            [("127.0.0.1", 3128), ("10.1.2.3", 8080)],
            "IP Address/Host Name 10.1.2.3, Port 8080",
            id="loopback left out",
        ),
        pytest.param(
            [("10.1.2.3", 3128), ("192.0.2.7", 443)],
            "IP Address/Host Name 10.1.2.3, Port 3128; or IP Address/Host Name 192.0.2.7, Port 443",
            id="a port of its own for each address",
        ),
    ],
)
def test_the_instructions_name_the_bound_addresses(bound: list[tuple[str, int]], expected: str) -> None:
    assert typed(Reach(bound, OWN)) == expected


def test_a_wildcard_on_a_host_without_addresses_names_no_address() -> None:
    assert typed(Reach([("0.0.0.0", 3128)], ("127.0.0.1",))) == (
        "IP Address/Host Name (an address of this machine), Port 3128"
    )


def test_more_addresses_than_one_can_choose_from_are_cut() -> None:
    own = [f"10.0.0.{number}" for number in range(1, 10)]
    assert typed(Reach([("0.0.0.0", 3128)], own)) == (
        "IP Address/Host Name 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4 or another address of this machine, Port 3128"
    )


@pytest.mark.parametrize("bound", [[("127.0.0.1", 3128)], [("::1", 3128)], [("127.0.0.9", 3128)]])
def test_on_loopback_only_no_client_can_reach_the_gate(bound: list[tuple[str, int]]) -> None:
    said = cucm_instructions(Reach(bound, OWN), CUCM)
    assert said.startswith("no client on another machine can reach this gate")
    assert bound[0][0] in said
    assert "type" not in said


def test_in_a_container_the_instructions_name_the_host_machine() -> None:
    assert typed(Reach([("0.0.0.0", 3128)], ("172.17.0.2",), in_container=True)) == (
        "IP Address/Host Name (the address of the machine around this container), Port 3128, as the container's "
        "engine publishes them"
    )


@pytest.mark.parametrize("in_container", [False, True])
@pytest.mark.parametrize("bound", [("10.1.2.3", 3128), ("0.0.0.0", 3128), ("127.0.0.1", 3128)])
def test_the_instructions_name_the_announced_name(bound: tuple[str, int], *, in_container: bool) -> None:
    reach = Reach([bound], OWN, announced="gate.example.net", in_container=in_container)
    assert typed(reach) == "IP Address/Host Name gate.example.net, Port 3128"


@pytest.mark.parametrize(
    ("presets", "said"), [(("cisco-licensing",), True), (("cucm",), False), (("smart-transport",), False), ((), True)]
)
def test_the_preset_of_newer_releases_is_named_if_it_is_missing(presets: tuple[str, ...], *, said: bool) -> None:
    policy = Policy(presets, (), load_presets())
    text = cucm_instructions(Reach([("10.5.5.5", 3128)], OWN), policy)
    assert text.endswith("CUCM 14SU4, 15SU2 and newer also need the preset cucm in allowlist.presets") is said


@pytest.mark.parametrize("environ", [{"container": "podman"}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}])
def test_a_container_is_known_by_its_environment(environ: dict[str, str]) -> None:
    assert in_container(environ)


def test_a_container_is_known_by_the_file_of_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / ".dockerenv"
    monkeypatch.setattr(module, "_CONTAINER_FILES", (mark,))
    assert not in_container({})
    mark.touch()
    assert in_container({})
