"""What the demo prints: where the page is; for each story what happens, what LicenseGate says and where to see it."""

from collections.abc import Iterator, Sequence
from typing import Final

from licensegate.language.language import N_, Language

from .gate import DemoGate
from .parent import PACKAGE
from .stories import STORIES, Story

STARTING: Final = N_("Starting stand-ins for Cisco, a company's proxy and a gate, on the loopback of this host alone.")
_PAGE: Final = N_("Open in a browser: {url}")
_LOOK: Final = N_("What to look at:")
_LEFT_OUT: Final = N_(
    "Left out, with the company's proxy: {clients}. That needs the package {package}; install the extra demo, "
    "licensegate[demo]."
)
_TRY: Final = N_("To try: change {settings}, then type: licensegate reload --config {settings}")
_END: Final = N_("The clients go on calling. Ctrl-C ends all of it and leaves nothing behind.")


def programme(language: Language, gate: DemoGate, stories: Sequence[Story], *, goes_on: bool) -> Iterator[str]:
    """Yield the lines. `goes_on` if the demo does not end by itself."""
    say = language.gettext
    yield ""
    yield say(_PAGE).format(url=gate.page)
    yield say(_LOOK)
    for story in stories:
        yield ""
        yield f"{story.client.name}: {say(story.happens)}"
        yield f"    LicenseGate: {say(story.says)}"
        yield f"    {gate.page.rstrip('/')}{story.path}"
    yield ""
    if left_out := [story.client.name for story in STORIES if story not in stories]:
        yield say(_LEFT_OUT).format(clients=", ".join(left_out), package=PACKAGE)
    if goes_on:
        yield say(_TRY).format(settings=gate.settings)
        yield say(_END)
