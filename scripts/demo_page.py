"""Print docs/demo.md, made from the table of stories: `python scripts/demo_page.py > docs/demo.md`."""

from collections.abc import Iterator

from licensegate.demo.parent import PACKAGE
from licensegate.demo.stories import STORIES, Story

INTRODUCTION = """\
# A first look

<!-- Made by scripts/demo_page.py from demo/stories.py: change the table there and run the script again. -->

`licensegate demo` shows a gate at work on this host alone, without internet, settings or privileges. It starts

- servers that stand in for tools.cisco.com, api.cisco.com, cloudsso.cisco.com and smartreceiver.cisco.com, with
  certificates of an authority of its own; none imitates a certificate or an answer of Cisco's,
- proxy.py as a company's proxy that opens tunnels only after a login,
- a gate (`licensegate serve`) that logs in there, whose ledger has a year of contacts,
- clients that act out the stories below, each from an address of its own (127.0.0.11 and up).

Everything listens on free ports of 127.0.0.1. DNS is not asked: `dial.connect_to` in the gate's settings leads each
name to its stand-in. Several demos run side by side, and a gate of your own is left alone.

The demo prints the address of the gate's page and what to look at, in English or Japanese by `LANG`. The clients go on
calling, one every few seconds, until Ctrl-C; `--seconds N` ends it by itself. However it ends, its processes and its
folder, which is in `TMPDIR` or `/tmp`, are gone. `--once` plays each story once, asks the gate about each client, and
exits with 1 if the gate does not say what the story tells.

| LicenseGate is installed | do this |
|---|---|
| in a checkout | `make demo` |
| on a host | gather the wheels with `make wheels EXTRAS=demo`; in the [commands](operations.md#on-a-host) have pip \
install `'licensegate[demo]'` instead of `licensegate` |

The extra is proxy.py. Without it the gate reaches the stand-ins directly, and the old release behind the company's
proxy is left out.

## The stories

| client | what happens | what LicenseGate says | finding | where |
|---|---|---|---|---|
"""

ENDING = """
## To try yourself

The demo prints the path of the gate's settings file. Change it and type `licensegate reload --config FILE`: with

```toml
[allowlist]
presets = ["cisco-licensing", "cucm"]
```

the new release is served at its next call. `licensegate explain`, `probe` and the other commands that ask a running
gate take the same `--config FILE`.
"""


def page() -> Iterator[str]:
    """Yield the parts of the page, in order."""
    yield INTRODUCTION
    yield from map(row, STORIES)
    yield ENDING


def row(story: Story) -> str:
    """Return the row of one story."""
    client = f"{story.client.name} (needs {PACKAGE})" if story.needs_parent else story.client.name
    finding = f"[{story.label}](diagnosis.md#{story.label})" if story.label else "none"
    return f"| {client} | {story.happens} | {story.says} | {finding} | `{story.path}` |\n"


if __name__ == "__main__":
    print("".join(page()), end="")
