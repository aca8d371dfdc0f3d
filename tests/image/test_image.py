"""The contents and metadata of the container image, and that the compose file matches."""

from typing import Any

import pytest

from licensegate.proxy.settings import Limits
from support.image import Image

pytestmark = pytest.mark.timeout(600)  # the first test may have to build a base image

MAX_BYTES = 75_000_000
"""Compressed, with all layers; the ledger's SQLAlchemy and the terminal's rich are half of ours."""


def test_the_image_is_small(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    *base, ours = image.layer_bytes
    with capsys.disabled():
        print(
            f"\nimage, compressed: {sum(base) / 1e6:.1f} MB of Debian with Python, {ours / 1e6:.1f} MB of LicenseGate"
        )

    assert sum(image.layer_bytes) < MAX_BYTES


def test_the_image_is_labelled(image: Image) -> None:
    labels = {name.rpartition(".")[2]: text for name, text in image.config["Labels"].items()}

    assert labels["title"] == "LicenseGate"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == image.version
    installed = [
        file.read_text().strip() for file in image.root.glob("opt/licensegate/lib/*/*/licensegate/app/revision.txt")
    ]
    assert installed or labels["revision"] == "unknown"
    assert all(labels["revision"].startswith(revision.removesuffix("-dirty")) for revision in installed)
    assert image.config["StopSignal"] == "SIGTERM"


def test_the_user_is_numeric_and_owns_only_the_state(image: Image) -> None:
    uid = int(image.config["User"].partition(":")[0])
    (state,) = image.config["Volumes"]
    owned = [path for path in image.root.rglob("*") if path.lstat().st_uid == uid]

    assert uid > 0
    assert owned == [image.root / state.lstrip("/")]
    assert owned[0].stat().st_mode & 0o777 == 0o770
    assert owned[0].stat().st_gid == 0  # a user of OpenShift's choice is in this group


def test_build_tools_are_not_in_the_image(image: Image) -> None:
    packages = image.root / "opt/licensegate/lib"

    assert list(packages.rglob("licensegate-*.dist-info"))
    assert [path for name in ("pip", "setuptools", "wheel") for path in packages.rglob(name)] == []
    assert not image.root.joinpath("wheelhouse").exists()


def test_every_module_is_compiled(image: Image) -> None:
    for source in image.root.joinpath("opt/licensegate/lib").rglob("*.py"):
        (compiled,) = source.parent.joinpath("__pycache__").glob(f"{source.stem}.*.pyc")
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 1, source  # by hash, unchecked: PEP 552


def test_the_settings_file_is_the_example_all_comments(image: Image) -> None:
    file = image.root / "etc/licensegate/licensegate.toml"
    lines = file.read_text().splitlines()

    assert f"LICENSEGATE_CONFIG=/{file.relative_to(image.root)}" in image.config["Env"]
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_compose_file_publishes_every_port_on_loopback_only(image: Image, service: dict[str, Any]) -> None:
    exposed = [port.removesuffix("/tcp") for port in image.config["ExposedPorts"]]

    assert sorted(service["ports"]) == sorted(f"127.0.0.1:{port}:{port}" for port in exposed)


def test_the_compose_file_keeps_the_state_in_a_volume(image: Image, service: dict[str, Any]) -> None:
    (volume,) = service["volumes"]

    assert volume.split(":") == ["state", *image.config["Volumes"]]
    assert f"STATE_DIRECTORY={volume.partition(':')[2]}" in image.config["Env"]


def test_the_compose_file_grants_only_low_ports_and_sets_limits(
    service: dict[str, Any],
) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    (sysctl,) = service["sysctls"]
    name, _, port = sysctl.partition("=")
    assert name == "net.ipv4.ip_unprivileged_port_start"
    assert int(port) <= 443
    assert service["ulimits"]["nofile"] >= 2 * Limits().tunnels
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_the_compose_file_lets_tunnels_drain(service: dict[str, Any]) -> None:
    assert int(service["stop_grace_period"].removesuffix("s")) > Limits().drain_seconds


def test_the_wrong_python_version_is_named_with_the_command(image: Image) -> None:
    with pytest.raises(AssertionError) as failure:
        image.build(PYTHON_VERSION="3.10")

    assert f"make image PYTHON_VERSION={image.python_version}" in str(failure.value)


def test_an_unknown_extra_ends_the_build_with_those_that_exist(image: Image) -> None:
    with pytest.raises(
        AssertionError, match=r"Unknown in EXTRAS: kerberbos\. Known: demo, kerberos, postgresql, ca-certificates\."
    ):
        image.build(EXTRAS="kerberbos")
