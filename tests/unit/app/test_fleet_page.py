"""The snippets on docs/fleet.md load, and their parts fit together. HAProxy's is run in tests/interop/ledger."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from licensegate.app.admin import paths
from licensegate.app.settings import Settings, load
from support.fleet_page import blocks

(YAML,) = blocks("yaml")


@pytest.fixture(scope="module")
def cluster() -> dict[str, dict[str, Any]]:
    """The objects for Kubernetes, by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all(YAML)}


def loaded(text: str, folder: Path) -> Settings:
    """Load settings, with an existing file for each that they name."""
    key = tomllib.loads(text)["auth"]["nonce_key_file"]
    (folder / "nonce.key").write_bytes(b"0" * 64)
    (folder / "licensegate.toml").write_text(text.replace(key, "nonce.key"))
    return load(folder / "licensegate.toml", {})


def test_the_settings_behind_haproxy_load(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    settings = loaded(text, tmp_path)

    assert settings.admin.listen is not None
    assert f"port {settings.admin.listen.port} " in blocks("haproxy")[0]
    assert f"GET {paths.READYZ}" in blocks("haproxy")[0]


def test_the_settings_in_kubernetes_load_and_leave_time_to_drain(
    cluster: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    text = cluster["ConfigMap"]["data"]["licensegate.toml"]
    pod = cluster["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    drain = tomllib.loads(text)["limits"]["drain_seconds"]
    before = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])

    assert loaded(text, tmp_path).file_is_empty is False
    assert pod["terminationGracePeriodSeconds"] > before + drain
    assert before > container["readinessProbe"]["periodSeconds"] * container["readinessProbe"]["failureThreshold"]


def test_kubernetes_asks_pages_and_ports_that_exist(cluster: dict[str, dict[str, Any]]) -> None:
    (container,) = cluster["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listen = tomllib.loads(cluster["ConfigMap"]["data"]["licensegate.toml"])["admin"]["listen"]

    assert container["readinessProbe"]["httpGet"] == {"path": paths.READYZ, "port": "admin"}
    assert container["livenessProbe"]["httpGet"] == {"path": paths.HEALTHZ, "port": "admin"}
    assert listen == f"0.0.0.0:{ports['admin']}"
    assert {port["targetPort"] for port in cluster["Service"]["spec"]["ports"]} == {"proxy"}
    assert cluster["Service"]["spec"]["externalTrafficPolicy"] == "Local"
