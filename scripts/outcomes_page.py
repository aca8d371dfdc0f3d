"""Print docs/outcomes.md, made from the table of outcomes: `python scripts/outcomes_page.py > docs/outcomes.md`."""

import re
from collections.abc import Iterator

from licensegate.records.outcome import Outcome, Stage

INTRODUCTION = """\
# How a connection can end

<!-- Made by scripts/outcomes_page.py from records/outcome.py: change the table there and make this page anew. -->

Whatever ends a client's connection has one of the names below. The name is the `outcome` of the record in the access
log ([records.md](records.md)). Where the client can still be answered, it is also the first word of the reason phrase,
as in `HTTP/1.1 403 target_not_allowed: ...`, and stands in the `Proxy-Status` field and in the body. A name is never
given another meaning; new ones may come.

A client that speaks TLS, to a target or in its tunnel to one, is refused by a fatal alert: `access_denied` if it is
not allowed itself or would have to log in, `unrecognized_name` if the name is not allowed, `decode_error` if its
ClientHello cannot be read, else `internal_error`. To whoever speaks neither HTTP nor TLS nothing is said.

Each entry says what happened to whom and what to change; then the status of the answer by HTTP, if one can still be
given, who ended the connection, and the proxy error type of
[RFC 9209](https://www.rfc-editor.org/rfc/rfc9209#section-2.3) where one fits. In the sentences, *client*, *target*,
*listener* and *detail* stand for what the record has under these keys.
"""

STAGES = {
    Stage.ACCEPT: ("On accepting the connection", "nothing that the client sent has been understood"),
    Stage.HELLO: (
        "While reading the first message",
        "a balancer's PROXY header and the handshake of TLS to the gate belong to it",
    ),
    Stage.HEAD: ("While reading the request", "no rule has been asked about it"),
    Stage.LOGIN: ("While logging in", "it may use the gate by its network, but nobody knows yet who it is"),
    Stage.POLICY: ("While judging the request", "first the client's network, then the limits, then the target"),
    Stage.RESOLVE: ("While looking up the name", "only an allowed one is looked up, by the gate's own resolver"),
    Stage.DIAL: ("While dialling", "the target is allowed and the client waits for its answer"),
    Stage.PARENT: ("While a parent proxy was asked", "the target is allowed, and to be reached through a parent"),
    Stage.INNER_HELLO: (
        "While reading the tunnel's first bytes",
        "the client was answered 200, and the target has not heard anything of it",
    ),
    Stage.RELAY: ("While the tunnel was open", "the client was answered 200 and cannot be told any more"),
}


def page() -> Iterator[str]:
    """The parts of the page, in order."""
    yield INTRODUCTION
    for stage, (heading, situation) in STAGES.items():
        yield f"## {heading}\n\nStage `{stage}`: {situation}.\n"
        yield from (entry(outcome) for outcome in Outcome if outcome.stage is stage)


def entry(outcome: Outcome) -> str:
    """One outcome as people read it."""
    facts = [
        f"answered {outcome.status}" if outcome.status else "not answered",
        f"ended by the {outcome.ended_by}",
        *([f"`{outcome.error}`"] if outcome.error else []),
    ]
    return (
        f"### {outcome.label}\n\n"
        f"{filled(outcome.sentence)}\n\n"
        f"- To do: {filled(outcome.remedy)}\n"
        f"- {', '.join(facts).capitalize()}.\n"
    )


def filled(template: str) -> str:
    """The template with the names of its placeholders in their places."""
    return re.sub(r"\{(\w+)\}", r"*\1*", template)


if __name__ == "__main__":
    print("\n".join(page()), end="")
