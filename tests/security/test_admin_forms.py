"""Attacks on the forms of the admin pages: other sites, other hosts, forged secrets, bodies too large or malformed."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from licensegate.app.admin import actions, paths
from licensegate.app.admin.sessions import MOST_FAILURES
from support.admin_client import ANY_PORT, CHANGES, admin_port, get_page
from support.forms import FORM, form_token, post, sign_in
from support.gate import Gate, gate_settings
from support.raw_client import dial
from support.sockets import spin_until
from support.upstream import SECONDS

TOKEN = "7c0d5a6b1e2f43908172635445362718"
CLIENT = '[[client]]\nname = "cucm"\nnetworks = ["10.9.9.9"]\n[state]\ndirectory = "state"\n'
KEY = "named:cucm"
BEARER = f"Bearer {TOKEN}"
LICENCES = (Path(__file__).parents[1] / "data/licensing/cucm-summary.txt").read_bytes()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate with a token, a ledger and one client; the tests share it."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "admin.token").write_text(TOKEN)
    settings = gate_settings(admin=ANY_PORT, more=CLIENT).replace("[admin]", '[admin]\ntoken_file = "admin.token"')
    with Gate(folder, settings) as running:
        yield running


def names(gate: Gate) -> list[str]:
    """The notes of what was recorded by hand."""
    shown = get_page(gate, f"{paths.API_CLIENT}?key={KEY}").json
    return [row["note"] for row in shown["manual"]]


def test_a_form_of_ours_is_obeyed_with_session_and_form_token(gate: Gate) -> None:
    cookie = sign_in(gate, TOKEN)
    form = {"key": KEY, "what": "contact", "at": "2026-03-02T08:00", "note": "by disc"}

    without = post(gate, paths.RECORD_CONTACT, form, Cookie=cookie)
    wrong = post(gate, paths.RECORD_CONTACT, form | {"form_token": "x" * 43}, Cookie=cookie)
    another = post(
        gate, paths.RECORD_CONTACT, form | {"form_token": form_token(gate, sign_in(gate, TOKEN), KEY)}, Cookie=cookie
    )
    assert {without.status, wrong.status, another.status} == {403}
    assert "by disc" not in names(gate)

    right = post(gate, paths.RECORD_CONTACT, form | {"form_token": form_token(gate, cookie, KEY)}, Cookie=cookie)
    assert (right.status, right.fields["location"]) == (303, f"/client?key={quote(KEY, safe='')}&done=contact")
    assert "by disc" in names(gate)


def test_a_connection_is_ended_by_a_form_of_ours_alone(gate: Gate) -> None:
    cookie = sign_in(gate, TOKEN)
    with dial(gate) as client:
        spin_until(lambda: get_page(gate, paths.API_TUNNELS).json["tunnels"])
        (tunnel,) = get_page(gate, paths.API_TUNNELS).json["tunnels"]
        page = get_page(gate, paths.TUNNELS, Cookie=cookie).body
        form = {"id": tunnel["id"], "page": "1"}
        assert f'name="id" value="{tunnel["id"]}"' in page
        assert tunnel["id"] not in get_page(gate, paths.TUNNELS).body
        assert post(gate, paths.END_TUNNEL, form, Cookie=cookie).status == 403
        assert post(gate, paths.END_TUNNEL, form).status == 401

        own = form | {"form_token": form_token(gate, cookie, KEY)}
        done = post(gate, paths.END_TUNNEL, own, Cookie=cookie)
        assert (done.status, done.fields["location"]) == (303, "/tunnels?page=1&done=tunnel")
        assert client.recv(1) == b""
        again = post(gate, paths.END_TUNNEL, own, Cookie=cookie)
        assert (again.status, "This connection is no longer open." in again.body) == (404, True)
    assert "The connection is ended." in get_page(gate, done.fields["location"], Cookie=cookie).body
    assert gate.record(tunnel["id"])["detail"] == "requested by the admin pages, from 127.0.0.1"


def test_the_cookie_is_hidden_from_scripts_and_other_sites(gate: Gate) -> None:
    cookie = post(gate, paths.SIGN_IN, {"token": TOKEN}).fields["set-cookie"]

    name, *attributes = cookie.split("; ")
    assert name.startswith(f"licensegate-{admin_port(gate)}=")
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Strict"]


@pytest.mark.parametrize("path", CHANGES)
def test_this_host_alone_may_change_nothing(gate: Gate, path: str) -> None:
    answer = post(gate, path, {"key": KEY, "name": "x"})

    assert answer.status == 401
    assert answer.fields["www-authenticate"].startswith("Bearer")


OTHER_SITES = {
    "a form on another site": {"Origin": "http://evil.example", "Sec_Fetch_Site": "cross-site"},
    "another port of this host": {"Origin": "http://127.0.0.1:1", "Sec_Fetch_Site": "same-site"},
    "an old browser on another site": {"Origin": "http://evil.example"},
    "a page in a frame without origin": {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
    "a link typed by hand": {"Sec_Fetch_Site": "none"},
}


@pytest.mark.parametrize("fields", OTHER_SITES.values(), ids=OTHER_SITES.keys())
def test_a_form_of_another_site_is_not_obeyed(gate: Gate, fields: dict[str, str]) -> None:
    form = {"key": KEY, "note": "stolen"}

    assert post(gate, paths.RECORD_CONTACT, form, Authorization=BEARER, **fields).status == 403
    assert post(gate, paths.SIGN_IN, {"token": TOKEN}, **fields).status == 403
    assert "stolen" not in names(gate)


def test_our_own_origin_is_obeyed_as_browsers_write_it(gate: Gate) -> None:
    own = f"http://127.0.0.1:{admin_port(gate)}"
    for fields in ({"Origin": own}, {"Origin": "null"}, {"Origin": "null", "Sec_Fetch_Site": "same-origin"}):
        assert post(gate, paths.SIGN_IN, {"token": TOKEN}, **fields).status == 303


def test_guessing_the_token_is_slowed_down_for_its_address_alone(gate: Gate) -> None:
    for _ in range(MOST_FAILURES):
        wrong = post(gate, paths.SIGN_IN, {"token": "0" * 32}, "127.0.0.66")
        assert (wrong.status, "set-cookie" in wrong.fields) == (403, False)

    limited = post(gate, paths.SIGN_IN, {"token": TOKEN}, "127.0.0.66")
    assert limited.status == 429
    assert int(limited.fields["retry-after"]) > 200
    assert sign_in(gate, TOKEN, "127.0.0.67")
    assert TOKEN not in "".join(gate.stderr) + limited.body


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example/",
        "http://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/clients\r\nSet-Cookie: a=b",
        "/nothing",
        "https:/clients",
        "http://[",
    ],
)
def test_the_login_leads_to_no_other_place(gate: Gate, wanted: str) -> None:
    answer = post(gate, paths.SIGN_IN, {"token": TOKEN, "next": wanted})

    assert (answer.status, answer.fields["location"]) == (303, "/")
    assert "a=b" not in answer.fields["set-cookie"]


def test_signing_out_ends_the_session_of_every_copy_of_the_cookie(gate: Gate) -> None:
    cookie = sign_in(gate, TOKEN)
    token = form_token(gate, cookie, KEY)

    out = post(gate, paths.SIGN_OUT, {"form_token": token}, Cookie=cookie)

    assert out.status == 303
    assert "Max-Age=0" in out.fields["set-cookie"]
    assert post(gate, paths.RECORD_CONTACT, {"key": KEY, "form_token": token}, Cookie=cookie).status == 401


def multipart(**parts: bytes) -> tuple[bytes, str]:
    """The body of a form with files, and its content type."""
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (name.encode(), b'; filename="../../etc/passwd"' if name == "file" else b"", value)
        for name, value in parts.items()
    )
    return body + b"--x--\r\n", "multipart/form-data; boundary=x"


def test_a_text_is_kept_whether_it_is_pasted_or_uploaded(gate: Gate) -> None:
    body, kind = multipart(key=KEY.encode(), text=b"", file=LICENCES)

    assert post(gate, paths.KEEP_TEXT, body, Authorization=BEARER, Content_Type=kind).status == 303
    uploaded = get_page(gate, f"{paths.API_CLIENT}?key={KEY}").json
    pasted = post(gate, paths.KEEP_TEXT, {"key": KEY, "text": LICENCES.decode()}, Authorization=BEARER)

    assert pasted.status == 303
    assert uploaded["text"]["text"] == LICENCES.decode()
    assert uploaded["state"]["by"] == "text"


REFUSED_FORMS = {
    "no form": (b'{"key": "named:cucm"}', "application/json", 415),
    "no boundary": (b"x", "multipart/form-data", 400),
    "a body of another kind": (b"x", "multipart/form-data; boundary=y", 400),
    "a multipart in a multipart": (
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n\r\n--y--\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
        400,
    ),
    "very many fields": (b"&".join(b"a%d=1" % number for number in range(100)), FORM, 400),
    "bytes outside ASCII": (b"key=\xff", FORM, 400),
    "a text larger than the limit": (b"text=" + b"a" * (actions.TEXT_BYTES + 1), FORM, 413),
    "an unknown client": (b"key=named:nobody&text=x", FORM, 404),
    "no client": (b"text=x", FORM, 404),
    "a text about nothing": (b"key=named:cucm&text=hello", FORM, 422),
    "no text": (b"key=named:cucm&text=+", FORM, 422),
}


@pytest.mark.parametrize(("body", "kind", "status"), REFUSED_FORMS.values(), ids=REFUSED_FORMS.keys())
def test_a_form_that_cannot_be_read_changes_nothing(gate: Gate, body: bytes, kind: str, status: int) -> None:
    answer = post(gate, paths.KEEP_TEXT, body, Authorization=BEARER, Content_Type=kind)

    assert answer.status == status
    assert get_page(gate, paths.HEALTHZ).status == 200


def test_a_refused_form_says_why_in_the_language_of_its_page(gate: Gate) -> None:
    form = {"key": KEY, "name": "x"}

    english = post(gate, paths.NAME_CLIENT, form, Authorization=BEARER)
    japanese = post(gate, f"{paths.NAME_CLIENT}?lang=ja", form, Authorization=BEARER)

    assert (english.status, japanese.status) == (422, 422)
    assert "Nothing was kept: cucm has its name from the settings" in english.body
    assert "保存できませんでした：" in japanese.body
    assert "has its name" not in japanese.body


def test_a_chunked_body_without_end_is_cut_off_at_the_limit(gate: Gate) -> None:
    with socket.create_connection(("127.0.0.1", admin_port(gate)), SECONDS) as connection:
        connection.sendall(
            f"POST {paths.NAME_CLIENT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {BEARER}\r\n"
            f"Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
        connection.sendall(chunk * 3)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_nobody_without_the_token_can_make_the_gate_read_a_body(gate: Gate) -> None:
    with socket.create_connection(("127.0.0.1", admin_port(gate)), SECONDS) as connection:
        connection.sendall(
            f"POST {paths.KEEP_TEXT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {FORM}\r\n"
            f"Content-Length: 1000000\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 "), "no byte of the body was awaited"


def test_hostile_names_and_notes_stay_text(gate: Gate) -> None:
    markup = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    for path, fields in ((paths.RECORD_CONTACT, {"note": markup}), (paths.NAME_CLIENT, {"name": markup})):
        post(gate, path, {"key": KEY, **fields}, Authorization=BEARER)

    for page in (f"{paths.CLIENT}?key={KEY}", paths.OVERVIEW, f"{paths.CLIENTS}?q={quote(markup)}"):
        shown = get_page(gate, page).body
        assert "<script>alert" not in shown
        assert "<img" not in shown


def test_without_a_token_the_page_says_that_nothing_can_be_changed(tmp_path: Path) -> None:
    with Gate(tmp_path, gate_settings(admin=ANY_PORT, more=CLIENT)) as gate:
        refused = post(gate, paths.NAME_CLIENT, {"key": KEY, "name": "x"}, Authorization=BEARER)
        signing = post(gate, paths.SIGN_IN, {"token": ""})

        assert (refused.status, "admin.token_file" in refused.body) == (403, True)
        assert (signing.status, "admin.token_file" in signing.body) == (403, True)
        assert "admin.token_file" in get_page(gate, f"{paths.CLIENT}?key={KEY}").body


def test_what_a_library_warns_of_a_form_is_in_no_log(gate: Gate) -> None:
    """aiohttp warns with the text of a broken header, and Python would print and keep each one."""
    body = b"--x\r\nContent-Disposition: form-data; forged\r\n\r\na\r\n--x--\r\n"
    assert post(gate, paths.SIGN_IN, body, Content_Type="multipart/form-data; boundary=x").status == 403
    gate.send(signal.SIGHUP)
    gate.await_line("reload")

    assert "forged" not in "".join(gate.stderr)
