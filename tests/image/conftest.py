"""Builds the image and reads the compose file, once for all tests here."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from support.image import ROOT, Image


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The container image."""
    with Image(tmp_path_factory.mktemp("image")) as built:
        yield built


@pytest.fixture(scope="session")
def service() -> dict[str, Any]:
    """The gate's service in the compose file."""
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    assert set(compose) == {"services", "volumes"}
    service: dict[str, Any] = compose["services"]["licensegate"]
    return service
