"""What a look at a target found, for people: how urgent it is, what it means, what to change."""

from typing import Final

from msgspec import Struct

from licensegate.language.language import N_
from licensegate.licensing.clocks import Level
from licensegate.records.target_verdict import TargetVerdict

_EXEMPT: Final = N_("Exempt {target} from the inspection or the filter on the way.")


class VerdictWords(Struct, frozen=True):
    """`short` is for a table; `sentence` and `remedy` are empty where nothing is wrong. All may name the `{target}`."""

    level: Level
    short: str
    sentence: str = ""
    remedy: str = ""


WORDS: Final = {
    TargetVerdict.PUBLIC: VerdictWords(Level.OK, N_("signed by a public authority")),
    TargetVerdict.PRIVATE: VerdictWords(Level.OK, N_("signed by the rule's authority")),
    TargetVerdict.NOT_JUDGED: VerdictWords(Level.OK, N_("not judged: the rule names no authority")),
    TargetVerdict.WRONG_NAME: VerdictWords(
        Level.CRITICAL,
        N_("certificate for other names"),
        N_("The certificate of {target} is for other names, so clients reject it."),
        N_("Check where the name leads: a DNS override, a filter or another server answers for it."),
    ),
    TargetVerdict.EXPIRED: VerdictWords(
        Level.CRITICAL,
        N_("certificate expired"),
        N_("A certificate of {target} has expired, so clients reject it."),
        N_("Have the certificate renewed; if the target is Cisco's, look for an inspection on the way."),
    ),
    TargetVerdict.NOT_YET_VALID: VerdictWords(
        Level.CRITICAL,
        N_("certificate not valid yet"),
        N_("A certificate of {target} is not valid yet, so clients reject it."),
        N_("Set the clock of the machine that made the certificate, and have a new one made."),
    ),
    TargetVerdict.GATE_CLOCK: VerdictWords(
        Level.CRITICAL,
        N_("the gate's clock is wrong"),
        N_("The gate's clock is wrong: by the clock of {target} its certificate is good."),
        N_("Set this host's clock: start a time service with a server that it reaches."),
    ),
    TargetVerdict.SELF_SIGNED: VerdictWords(
        Level.CRITICAL,
        N_("signed by itself"),
        N_("{target} shows a certificate that is signed by itself, so clients reject it."),
        N_("Exempt {target} from TLS inspection; for a host of your own, name its authority in the ca of its rule."),
    ),
    TargetVerdict.FOREIGN_ISSUER: VerdictWords(
        Level.CRITICAL,
        N_("intercepted: no public authority signed it"),
        N_("The connection to {target} is intercepted: no public authority signed the certificate that it shows."),
        N_("Exempt {target} from TLS inspection on the way: Cisco's products trust public authorities only."),
    ),
    TargetVerdict.INCOMPLETE_CHAIN: VerdictWords(
        Level.WARNING,
        N_("incomplete chain"),
        N_("{target} does not send an intermediate certificate, and many clients reject that."),
        N_("Have {target} serve its whole chain."),
    ),
    TargetVerdict.UNTRUSTED: VerdictWords(
        Level.CRITICAL,
        N_("chain not valid"),
        N_("The certificate chain of {target} is not valid, so clients reject it."),
        N_("Have {target} serve a valid certificate; for a host of your own, name its authority in the rule's ca."),
    ),
    TargetVerdict.SERVER_TOO_OLD: VerdictWords(
        Level.WARNING,
        N_("TLS 1.1 or older"),
        N_("{target} speaks TLS 1.1 or older only, which today's products refuse."),
        N_("Upgrade {target} to TLS 1.2 or newer."),
    ),
    TargetVerdict.NO_COMMON_CIPHER: VerdictWords(
        Level.WARNING,
        N_("no common cipher"),
        N_("{target} accepts none of the ciphers of today's products."),
        N_("Upgrade {target}, or have it offer the ciphers of today's products."),
    ),
    TargetVerdict.CLIENT_CERTIFICATE: VerdictWords(
        Level.WARNING,
        N_("wants a client certificate"),
        N_("{target} wants a certificate from its clients, which no licensing host does."),
        N_("Check that {target} is the host you mean."),
    ),
    TargetVerdict.NOT_TLS: VerdictWords(
        Level.CRITICAL, N_("does not speak TLS"), N_("What answers for {target} does not speak TLS."), _EXEMPT
    ),
    TargetVerdict.HELLO_REFUSED: VerdictWords(
        Level.CRITICAL, N_("TLS refused"), N_("{target}, or a filter in front of it, refuses TLS."), _EXEMPT
    ),
    TargetVerdict.HELLO_CUT: VerdictWords(
        Level.CRITICAL,
        N_("TLS cut off"),
        N_("The connection to {target} is cut off as soon as TLS begins, as by a filter of names."),
        _EXEMPT,
    ),
    TargetVerdict.SILENT: VerdictWords(
        Level.CRITICAL,
        N_("no answer to TLS"),
        N_("{target} accepts connections and does not answer TLS."),
        N_("Look for packets that are lost on the way, large ones above all: lower the MSS, or exempt {target}."),
    ),
    TargetVerdict.NOT_REACHED: VerdictWords(
        Level.CRITICAL,
        N_("not reached"),
        N_("The last look at {target} did not reach it."),
        N_("Check DNS, routes, firewalls and parent proxies between the gate and {target}: licensegate doctor."),
    ),
}
