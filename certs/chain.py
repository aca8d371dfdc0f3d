"""Judges the certificate chain that a target showed. OpenSSL verifies it; here its errors become a verdict.

Reads no file, opens no socket and has no clock of its own. The errors are those of OpenSSL's x509_vfy.h.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from msgspec import Struct
from OpenSSL.crypto import X509, Error, X509Store, X509StoreContext, X509StoreContextError

from licensegate.records.certificate import CertificateOutline
from licensegate.records.target_verdict import TargetVerdict

from .certificate_info import X509_ERRORS, in_one_line, may_serve, names_in
from .certificate_names import CertificateNames
from .openssl_form import for_openssl, reasons
from .outline import distinguished_name, outline

MOST_SKEW: Final = timedelta(hours=1)
"""Licensing messages are refused if the clocks differ by more."""

_SMALL_SKEW: Final = timedelta(minutes=1)

_VALID: Final = 0
_UNSPECIFIED: Final = 1
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_SELF_SIGNED: Final = 18
_NO_ISSUER: Final = frozenset({2, 20, 21})
_NO_ROOT: Final = _NO_ISSUER | {_SELF_SIGNED, 19}  # no path to a root that is trusted
_DATED: Final = {_NOT_YET_VALID: TargetVerdict.NOT_YET_VALID, _EXPIRED: TargetVerdict.EXPIRED}


class ChainJudgement(Struct, frozen=True):
    """The verdict on a chain. The other fields are those of a `TargetReport`."""

    verdict: TargetVerdict
    detail: str
    chain: tuple[CertificateOutline, ...] = ()
    system_trusts: bool | None = None
    looks_intercepted: bool = False


MakeStore = Callable[[], X509Store]
"""Makes a store of roots. The time of a store can be set only once, so each check needs a new one."""


class _Verified(Struct, frozen=True):
    """What OpenSSL found: the path to the root if it trusts the chain, else its error and the certificate at fault.

    `depth` is that certificate's place, 0 for the server's own.
    """

    error: int
    text: str = ""
    path: Sequence[X509] = ()
    depth: int = 0
    at_fault: X509 | None = None

    @property
    def has_root(self) -> bool:
        return self.error == _VALID or self.error in _DATED


class ChainJudge:
    """Judges chains by public roots, by those of this host (`system`), and by the `own` ones of a target's rule.

    `intermediates` are certificates that a server should send but may leave out. A target `is_own` if it is an
    operator's: then no public authority need have signed its certificate.
    """

    def __init__(
        self,
        public: MakeStore,
        system: MakeStore | None = None,
        own: MakeStore | None = None,
        intermediates: Sequence[X509] = (),
        *,
        is_own: bool = False,
    ) -> None:
        self._public = public
        self._system = system
        self._own = own
        self._intermediates = list(intermediates)
        self._is_own = is_own or own is not None

    def judge(self, chain: Sequence[bytes], host: str, now: datetime, skew: timedelta | None = None) -> ChainJudgement:
        """Judge a chain as the server sent it, in DER, at the time `now` of the gate's clock.

        `host` is a name or an address in normal form, `skew` how far the server's Date was ahead of that clock.
        """
        try:
            shown = [x509.load_der_x509_certificate(part) for part in chain]
            names, serves = CertificateNames(names_in(shown[0])), may_serve(shown[0])
            outlines = tuple(map(outline, shown))
            looks_public = _is_logged(shown[0]) or _has_policies(shown[0])
            leaf, *others = map(for_openssl, shown)
        except X509_ERRORS as error:
            return ChainJudgement(TargetVerdict.UNTRUSTED, f"its certificate cannot be read: {in_one_line(error)}")
        verdict, detail, path = self._find(leaf, others, now, skew)
        if verdict in _TRUSTED and not names.match(host):
            verdict, detail = TargetVerdict.WRONG_NAME, _other_names(host, names)
        elif verdict in _TRUSTED and not serves:
            verdict, detail = TargetVerdict.UNTRUSTED, "its certificate is not for servers (extended key usage)"
        elif verdict is TargetVerdict.PUBLIC and skew is not None and abs(skew) > MOST_SKEW:
            verdict, detail = TargetVerdict.GATE_CLOCK, _clock(skew)
        system = None if self._system is None else _verify(self._system, leaf, others, now).error == _VALID
        foreign = not self._is_own and verdict in _FOREIGN
        if foreign and system:
            detail += "; this host's own store trusts it, so a corporate root is installed here"
        return ChainJudgement(
            verdict,
            detail,
            tuple(outline(one.to_cryptography()) for one in path) if path else outlines,
            system,
            foreign and not looks_public,
        )

    def _find(
        self, leaf: X509, others: list[X509], now: datetime, skew: timedelta | None
    ) -> tuple[TargetVerdict, str, Sequence[X509]]:
        """Return the verdict on the chain alone, its reason, and the path to the root if one is trusted."""
        if self._own is not None:
            own = _verify(self._own, leaf, others, now)
            if own.has_root:
                return _judge_dates(own, TargetVerdict.PRIVATE, "signed by an authority that its rule names")
        public = _verify(self._public, leaf, others, now)
        if public.error in _NO_ROOT:
            completed = _verify(self._public, leaf, others + self._intermediates, now)
            if completed.error == _VALID:
                missing = _missing(completed.path, [leaf, *others])
                return TargetVerdict.INCOMPLETE_CHAIN, f"the server does not send {missing}", completed.path
            public = completed if completed.error in _DATED else public
        if public.has_root:
            if public.error and skew is not None and abs(skew) > _SMALL_SKEW:
                then = _verify(self._public, leaf, others + self._intermediates, now + skew)
                if then.error == _VALID:
                    return TargetVerdict.GATE_CLOCK, _clock(skew), then.path
            return _judge_dates(public, TargetVerdict.PUBLIC, "signed by a public authority")
        return self._judge_untrusted(public, leaf, now)

    def _judge_untrusted(
        self, found: _Verified, leaf: X509, now: datetime
    ) -> tuple[TargetVerdict, str, Sequence[X509]]:
        issuer = distinguished_name((found.at_fault or leaf).to_cryptography().issuer)
        if self._own is not None:
            return TargetVerdict.UNTRUSTED, f"no authority that its rule names signed it: its issuer is {issuer}", ()
        if self._is_own:
            certificate = leaf.to_cryptography()
            if certificate.not_valid_after_utc < now:
                return TargetVerdict.EXPIRED, _ended(certificate), ()
            if certificate.not_valid_before_utc > now:
                return TargetVerdict.NOT_YET_VALID, _begins(certificate), ()
            return TargetVerdict.NOT_JUDGED, f"its rule names no ca to judge it by; its issuer is {issuer}", ()
        if found.error == _SELF_SIGNED:
            return TargetVerdict.SELF_SIGNED, "its certificate is signed by itself", ()
        if found.error in _NO_ISSUER and found.depth == 0 and _is_logged(leaf.to_cryptography()):
            detail = f"the server does not send the certificate of {issuer}; public logs have its own, so it is genuine"
            return TargetVerdict.INCOMPLETE_CHAIN, detail, ()
        if found.error in _NO_ROOT:
            return TargetVerdict.FOREIGN_ISSUER, f"no public authority signed it: its issuer is {issuer}", ()
        return TargetVerdict.UNTRUSTED, f"its certificate is not valid: {found.text}", ()


_TRUSTED: Final = frozenset({TargetVerdict.PUBLIC, TargetVerdict.PRIVATE, TargetVerdict.NOT_JUDGED})
_FOREIGN: Final = frozenset({TargetVerdict.SELF_SIGNED, TargetVerdict.FOREIGN_ISSUER, TargetVerdict.UNTRUSTED})


def _verify(make_store: MakeStore, leaf: X509, others: Sequence[X509], at: datetime) -> _Verified:
    store = make_store()
    store.set_time(at.replace(tzinfo=None))
    try:
        return _Verified(_VALID, path=X509StoreContext(store, leaf, chain=others).get_verified_chain())
    except X509StoreContextError as error:
        code, depth, text = error.errors
        return _Verified(code, text, (), depth, error.certificate)
    except Error as error:
        return _Verified(_UNSPECIFIED, reasons(error))


def _judge_dates(found: _Verified, good: TargetVerdict, detail: str) -> tuple[TargetVerdict, str, Sequence[X509]]:
    if found.error == _VALID:
        return good, f"{detail}: {distinguished_name(found.path[-1].to_cryptography().subject)}", found.path
    if found.at_fault is None:
        raise RuntimeError("OpenSSL names the certificate that is out of date")
    certificate = found.at_fault.to_cryptography()
    return _DATED[found.error], _ended(certificate) if found.error == _EXPIRED else _begins(certificate), ()


def _ended(certificate: x509.Certificate) -> str:
    return f"{distinguished_name(certificate.subject)} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"


def _begins(certificate: x509.Certificate) -> str:
    begins = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return f"{distinguished_name(certificate.subject)} is not valid before {begins}"


def _clock(skew: timedelta) -> str:
    seconds = skew.total_seconds()
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    direction = "behind" if seconds > 0 else "ahead of"
    return f"the gate's clock is {hours} h {minutes:02} min {direction} the target's Date"


def _missing(path: Sequence[X509], sent: Sequence[X509]) -> str:
    """Name the intermediates of the path that the server left out; the root need not be sent."""
    known = {one.digest("sha256") for one in sent}
    left_out = [one for one in path[:-1] if one.digest("sha256") not in known]
    return " and ".join(distinguished_name(one.to_cryptography().subject) for one in left_out) or "its whole chain"


def _other_names(host: str, names: CertificateNames) -> str:
    listed = ", ".join(names.all[:4]) or "no name"
    return f"its certificate is for {listed}{' and others' if len(names.all) > 4 else ''}, not for {host}"


def _is_logged(certificate: x509.Certificate) -> bool:
    """Tell whether it carries timestamps of public logs (RFC 6962), which no interceptor can get for its own."""
    return any(isinstance(one.value, x509.PrecertificateSignedCertificateTimestamps) for one in certificate.extensions)


def _has_policies(certificate: x509.Certificate) -> bool:
    """Tell whether it names policies, as those of public authorities do (CA/Browser Forum Baseline Requirements)."""
    return any(isinstance(one.value, x509.CertificatePolicies) for one in certificate.extensions)
