"""The wheels for a host with Kerberos: gssapi is compiled if it fits this machine, and no index is asked."""

import os
import sys
from pathlib import Path

import pytest

from support.host import INSTALL
from support.image import ROOT, finish, gather_wheels
from support.programs import run
from support.requirements import require_command

pytestmark = pytest.mark.timeout(600)  # compiling takes a minute or two

THIS_PYTHON = "{}.{}".format(*sys.version_info)
OTHER_PYTHON = "3.12" if THIS_PYTHON != "3.12" else "3.13"
WHEELHOUSE = ROOT / "build/wheelhouse"


def test_kerberos_is_installed_on_a_host_from_wheels_alone(tmp_path: Path) -> None:
    require_command("gcc", "gcc")
    require_command("krb5-config", "libkrb5-dev")
    gather_wheels(THIS_PYTHON, "kerberos", "--for-host")
    install = INSTALL.partition("ln -sfn")[0].replace("/opt/", f"{tmp_path}/")
    install = install.replace(" licensegate\n", " 'licensegate[kerberos]'\n")
    load = """"$release/bin/python3" -c 'import gssapi, licensegate.app; print(gssapi.__file__)'"""
    output = finish(["sh", "-ec", f"cd {ROOT}\n{install}{load}"], {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"})

    assert f"{tmp_path}/licensegate-" in output


def test_wheels_for_another_python_say_where_to_compile_gssapi() -> None:
    output = gather_wheels(OTHER_PYTHON, "kerberos", "--for-host")

    assert "run scripts/gssapi-wheel.sh build/wheelhouse on the host, or on a machine like it" in " ".join(
        output.split()
    )
    assert list(WHEELHOUSE.glob("gssapi-*.tar.gz"))
    assert list(WHEELHOUSE.glob("gssapi-*.whl")) == []


def test_without_extras_nothing_of_kerberos_is_gathered() -> None:
    gather_wheels(THIS_PYTHON, "", "--for-host")

    assert [file.name for name in ("gssapi", "cython") for file in WHEELHOUSE.glob(f"{name}*")] == []


def test_an_unknown_extra_is_named_with_those_that_exist() -> None:
    with pytest.raises(
        AssertionError, match=r"Unknown in EXTRAS: kerberbos\. Known: demo, kerberos, postgresql, ca-certificates\."
    ):
        gather_wheels(THIS_PYTHON, "kerberbos")


def test_compiling_without_the_source_names_the_command_to_get_it(tmp_path: Path) -> None:
    done = run(ROOT / "scripts/gssapi-wheel.sh", tmp_path)

    assert done.returncode == 1
    assert "run make wheels EXTRAS=kerberos" in done.stderr
