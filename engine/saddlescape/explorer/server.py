"""Serve the page on loopback.  The only importer of websockets.

Whoever can load a page in the user's browser, or listens on this machine, must not get at a session: the server answers
only for its own name (so that no other site can bind its name to this address), only to pages from here, and only to
those that know a token.  The token is in the fragment of the address, which browsers send to nobody; the page sends it
as the subprotocol of its connection.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from saddlescape.explorer import page
from saddlescape.explorer.document import Document
from saddlescape.explorer.session import Header, Session
from saddlescape.system.extras import extra

with extra("explore"):
    from websockets.asyncio.server import Server, ServerConnection, serve
    from websockets.datastructures import Headers, MultipleValuesError
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response
    from websockets.typing import Subprotocol

HOST = "127.0.0.1"
SOCKET = "/socket"
MAX_SIZE = 2**16
"""Maximum length of a message from a page."""

SESSIONS = 8
"""Maximum number of pages at once."""

CLOSE_SECONDS = 0.3
"""Maximum wait for a page to confirm that its connection is closed."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
COMMON = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
ANSWERS = {
    path: (content.encode(), f"text/{kind}; charset=utf-8")
    for path, content, kind in (
        ("/", page.text("index.html"), "html"),
        ("/explore.js", page.script(), "javascript"),
        ("/socket.js", page.text("socket.js"), "javascript"),
        ("/explore.css", page.text("explore.css"), "css"),
    )
}
"""All that the server answers; no other file can be named."""

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.CRITICAL)  # what strangers send is no error of ours


@dataclass
class Explorer:
    """A server that is listening.

    Attributes
    ----------
    document : what every page shows first.
    port : of the server on `HOST`.
    token : whoever knows it can open a session.
    """

    document: Document
    port: int = 0
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _open: int = 0

    @property
    def address(self) -> str:
        """The address of the page, with the token."""
        return f"http://{HOST}:{self.port}/#{self.token}"

    @property
    def _hosts(self) -> list[str]:
        return [f"{name}:{self.port}" for name in (HOST, "localhost")]

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The response to a request; None to open a connection."""
        try:
            host, origin, upgrade, offered = (
                request.headers.get(name) for name in ("Host", "Origin", "Upgrade", "Sec-WebSocket-Protocol")
            )
        except MultipleValuesError:
            return _response(HTTPStatus.BAD_REQUEST)
        if host not in self._hosts or (origin is not None and origin not in map("http://{}".format, self._hosts)):
            return _response(HTTPStatus.FORBIDDEN)
        if getattr(request, "method", "GET") != "GET":  # older releases of websockets refuse other methods themselves
            return _response(HTTPStatus.METHOD_NOT_ALLOWED)
        if upgrade is None:
            return _response(HTTPStatus.OK, *ANSWERS[request.path]) if request.path in ANSWERS else _response()
        if request.path != SOCKET:
            return _response()
        if origin is None or not secrets.compare_digest((offered or "").encode(), self.token.encode()):
            return _response(HTTPStatus.FORBIDDEN)
        return None if self._open < SESSIONS else _response(HTTPStatus.SERVICE_UNAVAILABLE)

    async def converse(self, connection: ServerConnection) -> None:
        """A session, as long as its page is connected."""
        loop = asyncio.get_running_loop()

        def send(header: Header, payload: bytes) -> None:
            """Send a message from another thread, and wait until there is room for the next one."""
            with suppress(ConnectionClosed, RuntimeError):
                asyncio.run_coroutine_threadsafe(connection.send(frame(header, payload)), loop).result()

        self._open += 1
        session = Session(self.document, send)
        try:
            await asyncio.to_thread(session.greet)
            async for text in connection:
                await asyncio.to_thread(session.receive, _parsed(text))
        except ConnectionClosed:
            pass
        finally:
            self._open -= 1
            await asyncio.to_thread(session.close)


def frame(header: Header, payload: bytes) -> bytes:
    """A message: the length of the header, the header as JSON, padding to a multiple of 8 bytes, and the payload."""
    text = json.dumps(header, allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % 8)
    return len(text).to_bytes(4, "little") + text + payload


def _parsed(text: str | bytes) -> Any:
    """The content of a message; the text itself, which is no message, if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _response(status: HTTPStatus = HTTPStatus.NOT_FOUND, body: bytes = b"", kind: str = "text/plain") -> Response:
    body = body or f"{status.phrase}\n".encode()
    headers = {**COMMON, "Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    return Response(status.value, status.phrase, Headers(headers), body)


@asynccontextmanager
async def listening(document: Document, port: int = 0) -> AsyncIterator[Explorer]:
    """Listen on loopback, by default at a free port; at the end all sessions are closed."""
    explorer = Explorer(document)

    def choose(connection: ServerConnection, offered: Any) -> Subprotocol | None:
        return Subprotocol(explorer.token)

    server: Server = await serve(
        explorer.converse, HOST, port, process_request=explorer.answer, select_subprotocol=choose, compression=None,
        max_size=MAX_SIZE, max_queue=16, close_timeout=CLOSE_SECONDS, server_header=None, logger=LOG,
    )  # fmt: skip
    try:
        explorer.port = next(iter(server.sockets)).getsockname()[1]
        yield explorer
    finally:
        server.close()
        await server.wait_closed()


def explore(document: Document, ready: Callable[[Explorer, Callable[[], None]], None]) -> None:
    """Serve until stopped; ``ready(explorer, stop)`` is called when the server listens, and `stop` from any thread."""

    async def run() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        async with listening(document) as explorer:

            def stop() -> None:
                loop.call_soon_threadsafe(stopped.set)

            ready(explorer, stop)
            await stopped.wait()

    asyncio.run(run())
