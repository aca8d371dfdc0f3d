"""The bundle's file: whole or not there, its owner's only, never over another file."""

import io
import os
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensegate.doctor.access_log import count_findings, recent_records
from licensegate.doctor.bundle import BundleError, BundleFile, pack
from licensegate.doctor.redaction import Redactor
from licensegate.doctor.report import make_report
from licensegate.doctor.step import failed
from support.settings_file import settings_of


def test_a_bundle_is_readable_for_its_owner_only(tmp_path: Path) -> None:
    with BundleFile(tmp_path / "b.tar.gz", replace=False) as bundle:
        bundle.write(b"content")
    assert (tmp_path / "b.tar.gz").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["b.tar.gz"]


def test_without_writing_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), BundleFile(tmp_path / "b.tar.gz", replace=False):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_file_that_exists_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_text("precious")
    with pytest.raises(BundleError, match=r"exists already; name another file, or add --force"):
        BundleFile(tmp_path / "b.tar.gz", replace=False)
    assert (tmp_path / "b.tar.gz").read_text() == "precious"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    with BundleFile(tmp_path / "b", replace=False) as bundle:
        (tmp_path / "b").write_text("precious")
        with pytest.raises(BundleError, match="exists already"):
            bundle.write(b"content")
    assert (tmp_path / "b").read_text() == "precious"
    assert os.listdir(tmp_path) == ["b"]


def test_force_replaces_a_file_but_not_what_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "b").symlink_to(tmp_path / "elsewhere")
    with BundleFile(tmp_path / "b", replace=True) as bundle:
        bundle.write(b"content")
    assert (tmp_path / "elsewhere").read_text() == "precious"
    assert (tmp_path / "b").read_bytes() == b"content"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"missing/b: No such file or directory; name a file in a folder"):
        BundleFile(tmp_path / "missing" / "b", replace=False)


def unpacked(content: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        members = archive.getmembers()
        assert {(member.mode, member.uid, member.uname) for member in members} == {(0o600, 0, "")}
        files = {member.name.removeprefix("licensegate-doctor/"): archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def test_a_bundle_holds_what_a_maintainer_asks_for(tmp_path: Path) -> None:
    (tmp_path / "access.jsonl").write_text(
        '{"schema":2,"event":"end","outcome":"dns_not_found","finding":"dns_empty"}\n'
    )
    settings = settings_of(tmp_path, '[log]\naccess = "access.jsonl"\n')
    report = make_report((failed("saw hush", ""),), "1", datetime.now(UTC), "a file", interrupted=False)
    chains = {"[::1]:443": "-----BEGIN CERTIFICATE-----\n", "a.example:443": ""}
    files = unpacked(pack(report, settings, {"B": "hush", "A": "x"}, chains, Redactor(["hush"])))
    assert sorted(files) == [
        "README.txt", "chains/___1__443.pem", "doctor.json", "doctor.txt", "environment.txt", "findings.json",
        "records.jsonl", "settings.json", "versions.json",
    ]  # fmt: skip
    assert files["environment.txt"] == "A\nB\n"
    assert '"dns_empty": 1' in files["findings.json"]
    assert "hush" not in "".join(files.values())


def test_records_keep_known_keys_only_and_no_logins(tmp_path: Path) -> None:
    lines = [
        '{"target":"a.example:443","password":"hush","user_agent":"x token=hush"}',
        '{"requested":"https://u:hush@a.example/?k=hush","attempts":[{"address":"::1","errno":"password: hush"}]}',
        '["a", "list"]',
        "not a record, password=hush",
    ]
    (tmp_path / "access.jsonl").write_text("\n".join(lines))
    records, about = recent_records(settings_of(tmp_path, '[log]\naccess = "access.jsonl"\n'))
    assert about == f"the last 2 records of {tmp_path}/access.jsonl"
    assert "hush" not in str(records)
    assert records[0]["target"] == "a.example:443"


def test_only_the_newest_records_are_taken(tmp_path: Path) -> None:
    line = '{"detail":"%s","id":"%d"}\n'
    (tmp_path / "access.jsonl").write_text("".join(line % ("x" * 3000, number) for number in range(3000)))
    records, _ = recent_records(settings_of(tmp_path, '[log]\naccess = "access.jsonl"\n'))
    assert 1000 < len(records) <= 2000
    assert records[-1]["id"] == "2999"


def test_a_log_that_is_not_a_file_or_not_there_is_said(tmp_path: Path) -> None:
    assert recent_records(settings_of(tmp_path, ""))[0] == []
    assert "No such file" in recent_records(settings_of(tmp_path, '[log]\naccess = "access.jsonl"\n'))[1]


def test_findings_are_counted_the_most_frequent_first() -> None:
    records = [{"finding": "intercepted"}, {"finding": "unknown"}, {"finding": "intercepted", "contact": "answered"}]
    assert count_findings(records) == {
        "finding": {"intercepted": 2, "unknown": 1},
        "outcome": {},
        "contact": {"answered": 1},
    }
