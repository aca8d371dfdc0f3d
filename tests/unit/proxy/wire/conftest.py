"""Fixtures for tests of the TLS layer: the gate's certificate, each TLS version, and a connected client."""

import ssl
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from support.tls_layer_harness import GATE, Connected, connect
from support.tls_memory import VERSIONS, client_context


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def trusted(folder: Path) -> Path:
    """The gate's certificate, which is its own issuer, for a client to trust."""
    return GATE.write(folder)[0]


@pytest.fixture(scope="module")
def served(folder: Path, trusted: Path) -> ssl.SSLContext:
    return load_identity(trusted, folder / "gate.key").context


@pytest.fixture(params=list(VERSIONS.values()), ids=list(VERSIONS))
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def connected(served: ssl.SSLContext, trusted: Path, version: ssl.TLSVersion) -> Connected:
    return connect(served, client_context(trusted, version))
