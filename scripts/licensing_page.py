"""Print docs/licensing.md, made from the tables of licensing/.

`python scripts/licensing_page.py > docs/licensing.md` writes it.
"""

from collections.abc import Iterable, Iterator

from licensegate.licensing.limits import Family, Limit, all_families, all_limits
from licensegate.licensing.states import LicenseState, Override, table

INTRODUCTION = """\
# What a product says about its licences

<!-- Made by scripts/licensing_page.py from licensing/states.toml and clocks.toml there. -->

```sh
ssh administrator@cucm 'show license all' | licensegate license
licensegate license --json output.txt                # for programs
licensegate license --prometheus *.txt > /var/lib/node_exporter/textfile/licences.prom
```

`licensegate license` reads what a product prints about its licences and says what it means: the state, whether
something is blocked and from when, each deadline with the days left, the licences with their counts, the transport
and proxy, the failures with their reasons, and what to do. It asks nobody and keeps nothing.

It reads `show license all`, `summary`, `status`, `udi`, `usage`, `authorization` and `tech support` of CUCM, Unity
Connection, ASA, Expressway, NSO, AsyncOS and IOS before 17.3.2 (the *classic* model: the product registers and
renews) and of IOS XE and NX-OS after that (the *policy* model: the product reports, Cisco acknowledges), the JSON of
FMC, Catalyst Center and CML, the XML of CUCM's AXL call `getSmartLicenseStatus`, CUCM's table `slminfo` (`run sql
select … from slminfo`, or AXL's `executeSQLQuery`), and the status page of AsyncOS. Output of licence files and
activation keys is recognised: that is not Smart Licensing.

A paste may be damaged: byte-order marks, UTF-16, carriage returns, prompts and commands, pager lines, `>` of mails,
colours, tabs, wrapped lines and lost indentation do no harm; nor do times, numbers or bars before every line, what a
web page or a mail escaped, and outputs in the JSON of Ansible. Where several come together, nothing may tell whether a
blank stood at the end of a wrapped line: free text that has two readings is then `null`. A value that may have been
cut is `null`, too, and lines without a place in the report are listed under `unread`.

A text may hold several outputs, as the log of a terminal does. Those behind the same prompt that do not contradict each
other are one report, all others are reports of their own, named by the prompt or a number: `session.log:sw-2`.

## What to know when reading it

- **Days** are rounded down, and counted from `--now`, else from the time in the text if its clock was synchronised,
  else from this moment.
- **Zones.** Dates are read in the zone that they are printed with. Some abbreviations stand for several: IST on dates
  of January and July is India, because Israel would print IDT and Ireland GMT. If only one season is seen, the
  earliest possible date is taken, and the notes say so. `--timezone` decides.
- **The product's own date** replaces an estimate; each deadline says which it is. If the gate
  [asks the product](products.md#what-the-answers-do), so it is in the ledger and its metrics, too.
- **AUTHORIZED on a date** may be the date of a failed attempt. The last success is then 90 days before the deadline.
- **A reservation** and a push interval of **0 (no reporting)** never alarm: nothing is due.
- **The proxy** that the product is set to use is compared with the gate's addresses and ports, if this host has the
  settings of a gate or `--config` names them.
- Where Cisco's documents disagree, the **shorter** clock warns.

## JSON

`--json` prints one object, or a list of one per output. A key that the text does not have is `null`. Dates are the
product's local time with the zone as printed (`2018-01-26T15:11:23 IST`), without one if none is printed. `meaning` and
`deadlines` have their times in UTC.

| key | content |
|---|---|
| `model` | `classic`, `policy`, `traditional` (not Smart Licensing), or `null` if the text does not tell |
| `product`, `members`, `agent_version` | the UDI, the devices of a stack, the version of the agent |
| `registration`, `authorization`, `evaluation` | the classic model; `registration` also has the accounts |
| `policy` | the policy model: the policy, acknowledgements, pushes, the trust code |
| `entitlements` | the licences: name, tag, count, status |
| `transport`, `proxy`, `failures` | how it reaches Cisco, and the reasons of failures |
| `meaning` | level, enforced (`no`, `after` a deadline, `now`, `unknown`), from when, text, remedy |
| `deadlines` | name, due, days left, printed or estimated, source, confidence |
| `unread` | lines without a place in the report |

## Metrics

`--prometheus` prints gauges for node_exporter's textfile collector, labelled `file`, `pid` and `serial`:

| metric | value |
|---|---|
| `licensegate_license_level` | 0 ok, 1 unknown, 2 warning, 3 critical |
| `licensegate_license_enforced` | 1 if something is blocked now |
| `licensegate_license_enforcement_timestamp_seconds` | the earliest time of a block |
| `licensegate_license_deadline_timestamp_seconds` | a deadline, by `deadline` and `origin` (printed or estimated) |
| `licensegate_license_last_success_timestamp_seconds` | the last contact that succeeded |
| `licensegate_license_entitlement_count` | licences in use, by `entitlement` and `status` |
| `licensegate_license_failures` | how many different failures the product reports |

## Levels

*critical*: something is blocked, or fewer than 10 days are left (evaluation: 14, overage: up to 30). *warning*: a
contact or renewal is overdue or failed, fewer than 60 days of an authorization or 30 of another deadline are left, or
the product is not registered or out of compliance. *unknown*: the text does not tell.
"""

STATES = """\

## States

Registration and authorization together, for CUCM and its relatives. *after* means: once the clock has run out.
"""
OVERRIDES = """\

Where families differ:
"""
CLOCKS = """\

## Time limits

*Confidence* is high if Cisco documents the limit and outputs agree, medium if one of the two, low if it was seen once.
A limit without days is known to the product alone. Those that are *routine* come and go on a healthy product, which
moves them by itself: only a missed one means something.
"""
FAMILIES = """\

How families differ. *Overage* says whether an expired authorization still has 90 days before anything is blocked.
"""


def page() -> Iterator[str]:
    """Yield the parts of the page, in order."""
    yield INTRODUCTION
    yield STATES
    yield from rows(("registration", "authorization", "level", "blocked", "meaning", "what to do", "source"), states())
    yield OVERRIDES
    yield from rows(("family", "registration", "authorization", "blocked", "meaning", "source"), overrides())
    yield CLOCKS
    yield from rows(("limit", "model", "length", "from", "what it means", "routine", "source", "confidence"), clocks())
    yield FAMILIES
    yield from rows(("family", "overage", "counts its usage every", "source", "confidence"), families())


def rows(heads: Iterable[str], lines: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a Markdown table."""
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(line)} |" for line in lines)


def states() -> Iterator[list[str]]:
    """Yield the rows of the states."""
    for each in table().state:
        yield [named(each.registration), named(each.authorization), each.level, each.enforced, *texts(each)]


def overrides() -> Iterator[list[str]]:
    """Yield the rows of the overrides."""
    for each in table().override:
        yield [
            ", ".join(each.families),
            named(each.registration),
            named(each.authorization),
            each.enforced,
            each.en,
            source(each),
        ]


def clocks() -> Iterator[list[str]]:
    """Yield the rows of the time limits."""
    for each in all_limits():
        routine = "yes" if each.routine else ""
        origin = (each.source, each.confidence)
        yield [f"`{each.name}`", each.model, length(each), each.starts, each.meaning, routine, *origin]


def families() -> Iterator[list[str]]:
    """Yield the rows of the families."""
    for each in all_families():
        yield [each.name, "yes" if each.overage else "no", rhythm(each), each.source, each.confidence]


def named(states: Iterable[str]) -> str:
    """Return the states as they appear in the JSON."""
    return ", ".join("any other" if state == "*" else f"`{state}`" for state in states)


def texts(state: LicenseState) -> list[str]:
    """Return a state's meaning, remedy and source."""
    filled = state.en.replace("{days}", "*n*").replace("{date}", "*date*")
    return [filled, state.do_en, source(state)]


def source(row: LicenseState | Override) -> str:
    """Return a row's source with its confidence."""
    return f"{row.source} ({row.confidence})"


def length(limit: Limit) -> str:
    """Return a limit's length."""
    return f"{limit.days} days" if limit.days else f"{limit.hours} hours" if limit.hours else "printed"


def rhythm(family: Family) -> str:
    """Return how often a family counts its usage."""
    return "" if not family.usage_hours else f"{family.usage_hours:g} h"


if __name__ == "__main__":
    print("\n".join(page()))
