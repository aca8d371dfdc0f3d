"""The systemd units in deploy/: the template is the service, apart from what tells instances from each other."""

from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


def lines(name: str) -> set[str]:
    """The settings of a unit, without comments."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def test_an_instance_differs_from_the_service_where_instances_do() -> None:
    service, template = lines("licensegate.service"), lines("licensegate@.service")
    added = template - service

    assert {line for line in added if "%i" not in line} == {"Sockets=licensegate.socket"}
    assert {line.partition("=")[0] for line in service - template} == {
        line.partition("=")[0] for line in added if not line.startswith(("Sockets=", "Environment=LICENSEGATE__"))
    }
