"""The server of the explorer: it serves its page to its user, refuses everyone else, and leaves nothing behind."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_explore_lattice import SPECS
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import saddlescape_cli.explore
from saddlescape.explorer import server
from saddlescape.explorer.document import document
from saddlescape.spec import parse

DEEP = ["[" * 50000, '{"type":' * 6000, "NaN", '{"type": 1e999}', "1" * 5000]
HOSTILE = "</title><script>alert(1)</script>"


@pytest.fixture(scope="module")
def explorer():
    """A server, on a thread of its own; at the end it has left neither a thread nor its port."""
    text = SPECS["momentum"].replace('"tiny"', f'"{HOSTILE}"')
    ready, found = threading.Event(), []

    def told(explorer, stop):
        found.extend((explorer, stop))
        ready.set()

    thread = threading.Thread(target=server.explore, args=(document(parse(text, Path())), told))
    thread.start()
    assert ready.wait(60)
    yield found[0]
    found[1]()
    thread.join(60)
    assert not thread.is_alive()
    assert not [each for each in threading.enumerate() if each.name == "explore"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.HOST, found[0].port), 1)


def ask(explorer, path="/", method="GET", headers=None):
    """Status, headers and body of the answer to a request, whose bytes are ours."""
    lines = [f"{method} {path} HTTP/1.1", *(headers or [f"Host: 127.0.0.1:{explorer.port}"]), "", ""]
    with socket.create_connection((server.HOST, explorer.port), 10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        content = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(2**16):
                content += part
    head, _, body = content.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]) if head else 0, dict(line.split(": ", 1) for line in fields), body


def opening(explorer, **changes):
    """Connect as the page does, with other values of headers."""
    own = {
        "origin": f"http://127.0.0.1:{explorer.port}",
        "subprotocols": [explorer.token],
        "compression": None,
        "max_size": None,
    }
    return connect(f"ws://127.0.0.1:{explorer.port}{changes.pop('path', '/socket')}", **(own | changes))


def heard(connection):
    """The next message."""
    message = connection.recv(60)
    return json.loads(message[4 : 4 + int.from_bytes(message[:4], "little")])


def test_the_page_and_its_files_are_served_with_a_policy(explorer):
    for path, (content, kind) in server.ANSWERS.items():
        status, headers, body = ask(explorer, path)
        assert (status, body, headers["Content-Type"]) == (200, content, kind)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert not any(b"<script>" in content or b"style=" in content for content, _ in server.ANSWERS.values())
    assert b"innerHTML" not in server.ANSWERS["/explore.js"][0]


@pytest.mark.parametrize(
    "path",
    ["/..", "/../server.py", "//etc/passwd", "/%2e%2e/server.py", "/page/explore.js", "/explore.js/", "/?", "*",
     "/explore.js?x=1", "http://evil.example/", "/socket", "/" + "a" * 20000],
)  # fmt: skip
def test_no_other_path_has_an_answer(explorer, path):
    status, _, body = ask(explorer, path)
    assert status in (0, 400, 404, 414, 431)
    assert body in (b"Not Found\n", b"") or status != 404


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS"])
def test_only_get_is_answered(explorer, method):
    status, _, body = ask(explorer, method=method)
    assert status != 200
    assert b"<html" not in body


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: evil.example"], ["Host: evil.example:{port}"], ["Host: 127.0.0.1"], ["Host: 127.0.0.1:1"],
        ["Host: 127.0.0.1:{port}.evil.example"], ["X: no host"], ["Host: [::1]:{port}"],
        ["Host: 127.0.0.1:{port}", "Host: 127.0.0.1:{port}"], ["Host: 127.0.0.1:{port}", "Host: evil.example"],
        ["Host: 127.0.0.1:{port}", "Origin: http://evil.example"], ["Host: 127.0.0.1:{port}", "Origin: null"],
    ],
    ids=" | ".join,
)  # fmt: skip
def test_other_hosts_and_origins_are_refused(explorer, lines):
    status, _, body = ask(explorer, headers=[line.format(port=explorer.port) for line in lines])
    assert status in (400, 403)
    assert b"<html" not in body


def refused(explorer, **changes):
    with pytest.raises(InvalidStatus) as told, opening(explorer, **changes):
        pass
    return told.value.response.status_code


def test_a_connection_needs_the_origin_of_the_page(explorer):
    for origin in (None, "null", "http://evil.example", f"https://127.0.0.1:{explorer.port}", "http://127.0.0.1"):
        assert refused(explorer, origin=origin) == 403
    assert refused(explorer, path="/") == 404


def test_a_connection_needs_the_token(explorer):
    wrong = explorer.token[:-1] + ("A" if explorer.token[-1] != "A" else "B")
    several = [wrong, explorer.token], [explorer.token, wrong]
    for offered in (None, ["none"], [wrong], *several, [explorer.token.lower()]):
        assert refused(explorer, subprotocols=offered) == 403


def test_the_token_is_long_and_only_in_the_fragment(explorer):
    assert len(explorer.token) >= 43
    assert explorer.address == f"http://127.0.0.1:{explorer.port}/#{explorer.token}"
    assert all(explorer.token.encode() not in ask(explorer, path)[2] for path in server.ANSWERS)


def test_a_page_is_greeted_with_its_spec_and_two_pages_have_sessions_of_their_own(explorer):
    with opening(explorer) as one, opening(explorer, origin=f"http://localhost:{explorer.port}") as other:
        assert heard(one)["title"] == heard(other)["title"] == HOSTILE
        one.send('{"type": "keys", "steps": 3}')
        assert heard(one)["keys"]["steps"] == 3
        other.send('{"type": "none"}')
        assert heard(other)["type"] == "fault"


def test_there_are_few_sessions(explorer):
    with contextlib.ExitStack() as stack:
        for _ in range(server.SESSIONS):
            heard(stack.enter_context(opening(explorer)))
        assert refused(explorer) == 503


def test_a_message_that_is_too_long_ends_its_connection_only(explorer):
    with opening(explorer) as other:
        heard(other)
        with opening(explorer) as connection:
            heard(connection)
            connection.send('"' + "a" * server.MAX_SIZE + '"')
            with pytest.raises(ConnectionClosed) as told:
                connection.recv(60)
        assert told.value.rcvd.code == 1009
        other.send("{}")
        assert heard(other)["type"] == "fault"


def test_a_connection_survives_messages_that_are_none(explorer):
    with opening(explorer) as connection:
        heard(connection)

        @settings(max_examples=40)
        @given(st.text(max_size=200) | st.binary(max_size=200) | st.sampled_from(DEEP))
        def say(text):
            connection.send(text)
            assert heard(connection)["type"] == "fault"

        say()


def test_bytes_that_are_no_request_harm_nobody(explorer):
    for content in (b"\0" * 100, b"GET / HTTP/0.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nHost\r\n\r\n"):
        with socket.create_connection((server.HOST, explorer.port), 10) as connection:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                assert b" 200 " not in connection.recv(2**16)
    assert ask(explorer)[0] == 200


def test_a_frame_pads_its_header_for_the_numbers_after_it():
    for word in ("", "a", "ab", "\u00e9" * 9):
        message = server.frame({"type": word}, b"12345678")
        length = int.from_bytes(message[:4], "little")
        assert (4 + length) % 8 == 0
        assert json.loads(message[4 : 4 + length]) == {"type": word}
        assert message[4 + length :] == b"12345678"


def test_ctrl_c_ends_the_command_with_130_and_leaves_nothing(tmp_path):
    call = [sys.executable, "-m", "saddlescape", "explore", "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(call, **pipes, text=True, cwd=tmp_path) as process:
        address = process.stdout.readline().strip()
        place, _, token = address.partition("/#")
        with connect(f"ws{place[4:]}/socket", origin=place, subprotocols=[token], max_size=None) as connection:
            assert heard(connection)["title"].startswith("XOR 2-2-1")
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, "", "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])), 1)
    assert not list(tmp_path.iterdir())


def test_the_browser_is_sent_through_a_file_of_its_user(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = saddlescape_cli.explore.open_page("http://127.0.0.1:1/#token")
    assert opened == [path.as_uri()]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert 'content="0; url=http://127.0.0.1:1/#token"' in path.read_text()


def test_a_server_that_is_listening_is_on_loopback_alone():
    async def addresses():
        async with server.listening(document(parse(SPECS["momentum"], Path()))) as explorer:
            with pytest.raises(OSError, match=r"refused|unreachable|assign"):
                socket.create_connection(("127.0.0.2", explorer.port), 1)

    asyncio.run(addresses())
