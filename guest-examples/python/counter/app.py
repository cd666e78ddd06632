"""A counter over HTTP: ``POST /NAME`` adds one, ``GET /NAME`` reads it."""

import re
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from bottle import Bottle, HTTPResponse, request

from dapr import Case, StateError, Store
from wasi_wsgi import handler

store = Store("statestore")
"""A table ``[state.NAME]`` of components.toml; the host has this one without any configuration."""

app = Bottle()

STATUS = {
    Case.INVALID: HTTPStatus.BAD_REQUEST,
    Case.DENIED: HTTPStatus.FORBIDDEN,
    Case.NO_SUCH_STORE: HTTPStatus.NOT_FOUND,
    # Others were faster each time.
    Case.ETAG_MISMATCH: HTTPStatus.CONFLICT,
    Case.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Case.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
    Case.UNSUPPORTED: HTTPStatus.NOT_IMPLEMENTED,
    Case.NOT_CONFIGURED: HTTPStatus.NOT_IMPLEMENTED,
    Case.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Case.OUTCOME_UNKNOWN: HTTPStatus.GATEWAY_TIMEOUT,
    Case.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


@app.route("<path:re:.*>", method="ANY")
def answer(path: str) -> HTTPResponse:
    try:
        match request.method:
            case "GET" | "HEAD":
                return line(str(counted(store.get(name(), 0))))
            case "POST":
                # Additions that come at the same time all count: each is written on the condition that nobody wrote in between,
                # and starts again if somebody did.
                return line(str(store.update(name(), lambda number: counted(number or 0) + 1)))
            case _:
                return line("a counter takes GET and POST", HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD, POST")
    except StateError as error:
        return line(str(error), STATUS[error.case])
    except BadName as error:
        return line(str(error), HTTPStatus.BAD_REQUEST)
    except (TypeError, ValueError):
        return line("what is stored under this name is not a number", HTTPStatus.INTERNAL_SERVER_ERROR)


class BadName(Exception):
    """A path that names nothing."""


def name() -> str:
    """The path without its first slash, decoded. WSGI's own is decoded without a word about what is malformed."""
    path, _, _ = request.environ["REQUEST_URI"].partition("?")
    if re.search("%(?![0-9A-Fa-f]{2})", path):
        raise BadName("the name has a % without two hex digits after it")
    try:
        return unquote_to_bytes(path).decode().removeprefix("/") or "default"
    except UnicodeDecodeError:
        raise BadName("the name is not UTF-8") from None


def counted(number: object) -> int:
    if type(number) is not int:
        raise TypeError("not a number")
    return number


def line(text: str, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> HTTPResponse:
    return HTTPResponse(text, status, headers | {"Content-Type": "text/plain; charset=utf-8"})


IncomingHandler = handler(app)
