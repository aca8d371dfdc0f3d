"""The warnings of the settings on the pages: found once, off the event loop, and never a fault."""

from collections.abc import Iterable

from licensegate.app.overview.settings_warnings import SettingsWarnings
from licensegate.app.settings import Settings, load
from support.sockets import run


def settings() -> Settings:
    return load(None, {})


def test_warnings_are_found_once_for_each_settings() -> None:
    in_force = [settings()]
    judged: list[Settings] = []

    def find(one: Settings) -> Iterable[str]:
        judged.append(one)
        yield f"warning {len(judged)}"

    warnings = SettingsWarnings(lambda: in_force[-1], find)

    async def main() -> None:
        assert list(await warnings.found()) == ["warning 1"]
        assert list(await warnings.found()) == ["warning 1"]
        in_force.append(settings())
        assert list(await warnings.found()) == ["warning 2"]

    run(main())
    assert judged == in_force


def test_settings_that_cannot_be_judged_any_more_have_no_warnings() -> None:
    def find(one: Settings) -> Iterable[str]:
        raise OSError(f"gone: {one.source}")

    in_force = settings()

    async def main() -> None:
        assert list(await SettingsWarnings(lambda: in_force, find).found()) == []

    run(main())
