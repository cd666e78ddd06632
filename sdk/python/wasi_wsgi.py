"""Has a WSGI application answer the requests of a host of WebAssembly components: Flask, Bottle, Falcon, Django.

    from wasi_wsgi import handler

    IncomingHandler = handler(application)

The component exports ``wasi:http/incoming-handler@0.2``, by the class of this name in the app's module. Each request is answered
by an instance of its own, so that there is one thread and one process, and a body is read and written piece by piece.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401, which Werkzeug asks for by its name, and only what is imported in the build is there
import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import streams

try:
    from wit_world.imports import wasi_http_types as http
except ImportError:
    from wit_world.imports import types as http

_READ = 64 * 1024
_WRITE = 4096  # what the host takes in one call

_METHODS: dict[type, str] = {
    getattr(http, "Method_" + name.title()): name
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
}


def handler(application: Callable[..., Iterable[bytes]]) -> type[exports.IncomingHandler]:
    """The class that answers with an application."""

    class IncomingHandler(exports.IncomingHandler):
        def handle(self, request: http.IncomingRequest, response_out: http.ResponseOutparam) -> None:
            with _Body(request) as body:
                environ = _environ(request, body)
                answer = _Answer(response_out, has_body=environ["REQUEST_METHOD"] != "HEAD")
                chunks = application(environ, answer.start)
                try:
                    for chunk in chunks:
                        answer.write(chunk)
                    answer.finish()
                finally:
                    if hasattr(chunks, "close"):
                        chunks.close()

    return IncomingHandler


def _environ(request: http.IncomingRequest, body: _Body) -> dict[str, Any]:
    target = request.path_with_query() or "/"
    path, _, query = target.partition("?")
    method = request.method()
    host, _, port = (request.authority() or "").partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": _METHODS.get(type(method)) or method.value,
        "SCRIPT_NAME": "",
        # As WSGI has it: bytes, each as a character.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        # As it was sent, which other servers say under this name, too.
        "REQUEST_URI": target,
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BufferedReader(body, _READ),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    with request.headers() as headers:
        for name, value in headers.entries():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = "HTTP_" + key
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


class _Body(io.RawIOBase):
    """The body of a request, which the host is asked for when it is read."""

    def __init__(self, request: http.IncomingRequest) -> None:
        self._request = request
        self._body: http.IncomingBody | None = None
        self._stream: streams.InputStream | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._stream is None:
            self._body = self._request.consume()
            self._stream = self._body.stream()
        try:
            data = self._stream.blocking_read(len(buffer))
        except Err as error:
            if isinstance(error.value, streams.StreamError_Closed):
                return 0
            raise OSError("the client did not send the whole body") from None
        buffer[: len(data)] = data
        return len(data)

    def __exit__(self, *args: Any) -> None:
        # Children go before what they are of.
        if self._stream is not None and self._body is not None:
            self._stream.__exit__(None, None, None)
            self._body.__exit__(None, None, None)
        self._request.__exit__(None, None, None)


class _Answer:
    """The answer, begun with the first byte of it or at its end, as WSGI wants it.

    That of HEAD has no body to the host, which would hold one of no bytes against the length that the headers tell.
    """

    def __init__(self, out: http.ResponseOutparam, has_body: bool) -> None:
        self._out = out
        self._has_body = has_body
        self._has_begun = False
        self._status = 0
        self._headers: list[tuple[str, bytes]] = []
        self._body: http.OutgoingBody | None = None
        self._stream: streams.OutputStream | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info and self._has_begun:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status = int(status.split(maxsplit=1)[0])
        self._headers = [(name, value.encode("latin-1")) for name, value in headers]
        return self.write

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._begin()
        if self._stream is None:
            return
        try:
            for start in range(0, len(data), _WRITE):
                self._stream.blocking_write_and_flush(data[start : start + _WRITE])
        except Err:
            raise ConnectionError("the client takes no more of the answer") from None

    def _begin(self) -> None:
        if self._has_begun:
            return
        response = http.OutgoingResponse(http.Fields.from_list(self._headers))
        response.set_status_code(self._status)
        if self._has_body:
            self._body = response.body()
            self._stream = self._body.write()
        self._has_begun = True
        http.ResponseOutparam.set(self._out, Ok(response))

    def finish(self) -> None:
        self._begin()
        if self._stream is None:
            return
        self._stream.__exit__(None, None, None)
        try:
            http.OutgoingBody.finish(self._body, None)
        except Err as error:
            print(f"the answer has another length than its headers tell: {error.value}", file=sys.stderr)
