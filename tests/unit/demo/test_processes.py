"""Where the demo's folder is."""

from pathlib import Path

from licensegate.demo.processes import new_folder


def test_the_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    short = Path("/tmp") / tmp_path.name
    short.mkdir()
    made = new_folder(str(short))
    mode = made.stat().st_mode & 0o777
    made.rmdir()
    short.rmdir()

    assert (made.parent, mode) == (short, 0o700)


def test_a_path_too_long_for_a_socket_is_left(tmp_path: Path) -> None:
    made = new_folder(str(tmp_path / ("long-" * 20)))
    made.rmdir()

    assert made.parent == Path("/tmp")
