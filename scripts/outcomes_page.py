"""Print docs/outcomes.md, made from the table of outcomes: `python scripts/outcomes_page.py > docs/outcomes.md`."""

import re
from collections.abc import Iterator

from licensegate.records.outcome import GATE_MAY_END, Outcome, Stage

INTRODUCTION = """\
# How a connection can end

<!-- Made by scripts/outcomes_page.py from records/outcome.py: change the table there and run the script again. -->

Every client connection ends with one of the outcomes below. The name is the `outcome` of the record in the access log
([records.md](records.md)). If the client can still be answered, the name is also the first word of the reason phrase,
as in `HTTP/1.1 403 target_not_allowed: ...`, and appears in the `Proxy-Status` field and in the body. The meaning of a
name never changes; new names may be added.

A client that speaks TLS, either to a target or in its tunnel, is refused with a fatal alert: `access_denied` if the
client itself is not allowed or would have to log in, `unrecognized_name` if the name is not allowed, `decode_error` if
its ClientHello cannot be read, and `internal_error` otherwise. Clients that speak neither HTTP nor TLS get no answer.

Each entry says what happened to whom and what to change, followed by the HTTP status of the answer (if there is one),
who ended the connection, and the proxy error type of
[RFC 9209](https://www.rfc-editor.org/rfc/rfc9209#section-2.3) if one fits. *client*, *target*, *listener* and *detail*
stand for the values of these keys in the record.
"""

STAGES = {
    Stage.ACCEPT: ("When the connection is accepted", "nothing from the client has been read yet"),
    Stage.HELLO: (
        "While reading the first message",
        "including a balancer's PROXY header and the TLS handshake with the gate itself",
    ),
    Stage.HEAD: ("While reading the request", "the allowlist has not been consulted yet"),
    Stage.LOGIN: (
        "While logging in",
        "the client's network may use the gate, but the client has not been identified yet",
    ),
    Stage.POLICY: ("While deciding on the request", "first the client's network, then the limits, then the target"),
    Stage.RESOLVE: ("While looking up the name", "only allowed names are looked up, with the gate's own resolver"),
    Stage.DIAL: ("While dialling", "the target is allowed and the client is waiting for the answer"),
    Stage.PARENT: ("While asking a parent proxy", "the target is allowed and is reached through a parent"),
    Stage.INNER_HELLO: (
        "While reading the tunnel's first bytes",
        "the client got its 200, and nothing has been sent to the target yet",
    ),
    Stage.RELAY: ("While the tunnel is open", "the client got its 200 and cannot be sent an error any more"),
}


def page() -> Iterator[str]:
    """Yield the parts of the page, in order."""
    yield INTRODUCTION
    for stage, (heading, situation) in STAGES.items():
        yield f"## {heading}\n\nStage `{stage}`: {situation}.\n"
        yield from (entry(outcome) for outcome in Outcome if outcome.stage is stage)


def entry(outcome: Outcome) -> str:
    """Return the entry of one outcome."""
    facts = [
        f"answered {outcome.status}" if outcome.status else "not answered",
        f"ended by the {outcome.ended_by}" + (" or the gate" if outcome in GATE_MAY_END else ""),
        *([f"`{outcome.error}`"] if outcome.error else []),
    ]
    return (
        f"### {outcome.label}\n\n"
        f"{filled(outcome.sentence)}\n\n"
        f"- To do: {filled(outcome.remedy)}\n"
        f"- {', '.join(facts).capitalize()}.\n"
    )


def filled(template: str) -> str:
    """Return the template with each placeholder replaced by its name in italics."""
    return re.sub(r"\{(\w+)\}", r"*\1*", template)


if __name__ == "__main__":
    print("\n".join(page()), end="")
