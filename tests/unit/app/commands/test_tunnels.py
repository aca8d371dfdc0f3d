"""What `licensegate tunnels` says of a list that is longer than a page."""

import msgspec
import pytest

from licensegate.app.cli import main
from licensegate.app.commands.gate_answers import GateAnswers
from support import overview_answers as answers


@pytest.mark.parametrize(
    ("arguments", "pages", "said"),
    [
        ([], 3, "licensegate: page 1 of 3; the next one: --page 2\n"),
        ([], 1, ""),
        (["--json"], 3, ""),
    ],
    ids=["a long list", "one page", "for programs"],
)
def test_a_pipe_is_told_of_the_next_page_on_standard_error(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    pages: int,
    said: str,
) -> None:
    body = msgspec.json.encode(answers.tunnel_list(pages=pages))
    monkeypatch.setattr(GateAnswers, "get", lambda *_: body)

    assert main(["tunnels", *arguments]) == 0
    assert capsys.readouterr().err == said
