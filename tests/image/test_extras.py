"""The image with all extras of the gate: make image EXTRAS='kerberos postgresql ca-certificates'."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.container import Container
from support.image import Image
from support.kerberos import REALM, USER, Kdc

pytestmark = pytest.mark.timeout(1200)  # the first test builds the image and compiles gssapi

FETCH_TICKET = """
import sys
from pathlib import Path
from licensegate.proxy.parent.tickets import Tickets
print(Tickets(sys.argv[1], Path(sys.argv[2]), "").credentials("").lifetime)
"""
COUNT_ROOTS = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'])"
PYTHON = "/opt/licensegate/bin/python3"


@pytest.fixture(scope="module")
def image_with_extras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image with the extras."""
    with Image(tmp_path_factory.mktemp("extras"), "kerberos postgresql ca-certificates") as built:
        yield built


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A volume of the container's user."""
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 10001, 10001)
    return folder


@pytest.fixture
def container(image_with_extras: Image, service: dict[str, Any], tmp_path: Path, state: Path) -> Iterator[Container]:
    """The gate, serving."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with Container(image_with_extras, service, bundle, state) as running:
        running.await_line("ready")
        yield running


def test_the_gate_fetches_a_kerberos_ticket_in_the_container(container: Container, state: Path) -> None:
    with Kdc(inside=container.inside()) as kdc:
        for file in (kdc.folder / "krb5.conf", kdc.keytab):
            shutil.copy(file, state)
            os.chown(state / file.name, 10001, 10001)
        volume = "/var/lib/licensegate"
        command = (PYTHON, "-c", FETCH_TICKET, f"{USER}@{REALM}", f"{volume}/{kdc.keytab.name}")
        done = container.execute("env", f"KRB5_CONFIG={volume}/krb5.conf", *command)

        assert kdc.granted == 1, done.stderr
    assert int(done.stdout) > 0


def test_the_systems_root_certificates_are_found(container: Container) -> None:
    done = container.execute(PYTHON, "-c", COUNT_ROOTS)

    assert int(done.stdout) > 100, done.stderr


def test_the_ledger_finds_its_driver_for_postgresql(container: Container) -> None:
    done = container.execute(PYTHON, "-c", "import psycopg, licensegate.ledger.store; print(psycopg.pq.__impl__)")

    assert done.stdout.strip() == "binary", done.stderr


def test_the_compiler_and_headers_stay_in_the_build(image_with_extras: Image) -> None:
    root = image_with_extras.root

    assert [name for name in ("gcc", "cc", "krb5-config") if root.joinpath("usr/bin", name).exists()] == []
    assert not root.joinpath("usr/include/gssapi").exists()
    packages = {path.name.partition("-")[0].lower() for path in root.glob("opt/licensegate/lib/*/*/*.dist-info")}
    assert "gssapi" in packages
    assert packages & {"cython", "pip", "setuptools"} == set()
