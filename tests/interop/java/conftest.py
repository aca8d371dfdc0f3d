"""Fixtures of the Java clients: every test that asks for `client` runs on each release of Java."""

from pathlib import Path

import pytest

from support.authority import Authority
from support.java import RELEASES, STORE_PASSWORD, JavaClient, Program, runtime


@pytest.fixture(params=RELEASES, ids="java{}".format)
def java(request: pytest.FixtureRequest) -> Path:
    """The `java` command of one release."""
    return runtime(request.param)


@pytest.fixture
def client(java: Path, program: Program) -> JavaClient:
    """The client that the test's file compiles as its fixture `program`."""
    return JavaClient(java, program)


@pytest.fixture(scope="session")
def truststore(authority: Authority) -> Path:
    """The stand-in's root, for a client to trust."""
    return authority.java_truststore(STORE_PASSWORD)
