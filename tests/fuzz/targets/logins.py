"""Logins of clients, and the files that they are checked against."""

from licensegate.proxy.auth.basic import BasicCredentials, read_basic
from licensegate.proxy.auth.credentials import CredentialsError, read_parameters, split_credentials
from licensegate.proxy.auth.digest import DigestCredentials, is_right, read_digest
from licensegate.proxy.auth.password_hash import PasswordHash
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.auth.user_files import HtDigestLine, LoginFileError, read_htdigest, read_htpasswd, read_nonce_key

from ..target import FuzzTarget, as_file, listed

DIGEST = (
    b'Digest username="svc", realm="licensegate", nonce="n/1=", uri="tools.cisco.com:443", algorithm=SHA-256, '
    b'response="00ff", qop=auth, nc=00000001, cnonce="c"'
)
BCRYPT = b"$2y$12$" + b"a" * 21 + b"u" + b"b" * 30 + b"a"
SHA_512 = b"$6$rounds=5000$salt$" + b"a" * 86
APR1 = b"$apr1$salt$" + b"a" * 22


def read_login(value: bytes) -> BasicCredentials | DigestCredentials | None:
    """The credentials of a Proxy-Authorization field; None for a scheme that is not served."""
    scheme, rest = split_credentials(value)
    if scheme == "basic":
        return read_basic(rest)
    if scheme == "digest":
        read_digest(rest)
        return read_digest(rest, verbatim=True)
    return None


def login_holds(value: bytes, outcome: BasicCredentials | DigestCredentials | CredentialsError | None) -> None:
    """What was read is a user without control characters, and no secret is in a repr."""
    if isinstance(outcome, CredentialsError):
        return
    if outcome is not None:
        assert 0 < len(outcome.user) <= 256
        assert not any(sign < " " or "\x7f" <= sign < "\xa0" for sign in outcome.user)
        assert "secret" not in repr(outcome).replace(outcome.user, "")
    if isinstance(outcome, DigestCredentials):
        assert not is_right(Scheme.DIGEST_MD5, "0" * 32, "CONNECT", outcome)
        assert all(name == name.lower() for name in read_parameters(split_credentials(value)[1]))


def htpasswd_holds(_data: bytes, outcome: dict[str, PasswordHash] | LoginFileError) -> None:
    """Each hash can be checked in a known time, and has a dummy of its kind."""
    if isinstance(outcome, LoginFileError):
        return
    for user, stored in outcome.items():
        assert ":" not in user
        assert 0 < stored.seconds <= 60
        assert len(stored.dummy().text.raw) == len(stored.text.raw)


def htdigest_holds(_data: bytes, outcome: list[HtDigestLine] | LoginFileError) -> None:
    """Each HA1 is as long as its algorithm's."""
    if not isinstance(outcome, LoginFileError):
        assert all(len(line.ha1) in (32, 64) and line.ha1.isascii() for line in outcome)


TARGETS = (
    FuzzTarget(
        name="login",
        read=read_login,
        refuses=(CredentialsError,),
        holds=login_holds,
        seeds=(
            DIGEST,
            DIGEST.replace(b'"svc"', rb'"CORP\\svc"'),
            DIGEST.replace(b'username="svc"', b"username*=UTF-8''%c3%bc"),
            b"Basic c3ZjOnNlY3JldA==",
            b"basic  c3ZjOg==",
            b"Basic OnNlY3JldA==",
            b"NTLM TlRMTVNTUAABAAAA",
            b"Negotiate",
            b"",
        ),
        words=listed(r"""
            Basic\x20 Digest\x20 c3ZjOnNlY3JldA== " \\ = , \t % '' UTF-8'' \x00 username realm nonce uri
            response qop=auth nc=00000001 cnonce userhash=true
            """),
    ),
    FuzzTarget(
        name="htpasswd",
        read=lambda data: read_htpasswd(as_file(data, "htpasswd")),
        refuses=(LoginFileError,),
        holds=htpasswd_holds,
        seeds=(
            b"svc:" + BCRYPT + b"\n",
            b"# users\n\nsvc:" + SHA_512 + b":a comment\r\n",
            b"svc:" + APR1 + b"\n",
            b"svc:$5$salt$" + b"a" * 43,
            b"svc:realm:" + b"0" * 32,
            b"svc:{SHA}x",
            b"svc",
        ),
        words=(
            *listed(r": \n \r\n # $2y$12$ $6$rounds= $5$ $apr1$ $ \xd9\xa3"),
            b"9" * 400,
            b"0" * 5000,
            BCRYPT,
            SHA_512,
        ),
        largest=8192,
    ),
    FuzzTarget(
        name="htdigest",
        read=lambda data: read_htdigest(as_file(data, "htdigest")),
        refuses=(LoginFileError,),
        holds=htdigest_holds,
        seeds=(
            b"svc:licensegate:" + b"0" * 32 + b"\n",
            b"svc:licensegate:" + b"A" * 64 + b":x\r\n# end\n",
            b"svc:" + BCRYPT,
        ),
        words=(*listed(r": \n \r\n # svc:licensegate:"), b"0" * 32, b"f" * 64, b"\xef\xbc\x91" * 32),
    ),
    FuzzTarget(
        name="nonce-key",
        read=lambda data: read_nonce_key(as_file(data, "nonce-key")),
        refuses=(LoginFileError,),
        seeds=(b"0123456789abcdef" * 4 + b"\n", b"short", b""),
        words=(*listed(r"\n \x20 \x00"), b"0" * 32),
        largest=256,
    ),
)
