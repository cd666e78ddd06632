"""Several reads under way at once: ``GET /?keys=a,b,c`` starts the next ones before the first has answered.

The functions of ``dapr:state/store-async`` are awaited, so that an app of WASI 0.3 waits for several at the same time. What it
answers is what ``guest-examples/fan-in`` does.
"""

import asyncio
import json
import re
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import wasi_http
from dapr import AsyncStore, Case, Raw, StateError
from wasi_http import Answer, Request, TooLarge
from wit_world import exports

store = AsyncStore("statestore", Raw())

KEYS = 100
"""Keys that one request may name. An instance serves several requests at once, in one memory: whatever a request can make it
hold has to have a bound, or one of them ends all."""

AT_ONCE = 8
"""Reads that a request has under way at once. A value may have 4 MiB."""

BYTES = 8 << 20
"""Bytes of values that a request may ask for."""

STATUS = {
    Case.INVALID: HTTPStatus.BAD_REQUEST,
    Case.DENIED: HTTPStatus.FORBIDDEN,
    Case.NO_SUCH_STORE: HTTPStatus.NOT_FOUND,
    Case.ETAG_MISMATCH: HTTPStatus.PRECONDITION_FAILED,
    Case.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Case.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
    Case.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Case.UNSUPPORTED: HTTPStatus.NOT_IMPLEMENTED,
    Case.NOT_CONFIGURED: HTTPStatus.NOT_IMPLEMENTED,
    Case.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Case.OUTCOME_UNKNOWN: HTTPStatus.GATEWAY_TIMEOUT,
}


class Handler(exports.Handler):
    async def handle(self, request: Request) -> wasi_http.Response:
        try:
            answer = await answered(request)
        except StateError as error:
            answer = Answer(STATUS[error.case], str(error), "text/plain; charset=utf-8")
        except TooLarge as error:
            answer = Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error), "text/plain; charset=utf-8")
        return wasi_http.response(answer)


async def answered(request: Request) -> Answer:
    target = request.get_path_with_query() or "/"
    path, _, query = target.partition("?")
    key = path.removeprefix("/")
    match wasi_http.method(request), key:
        case "GET", "":
            found = await read_all(keys(query))
            return Answer(HTTPStatus.OK, json.dumps(found, ensure_ascii=False), "application/json")
        case "PUT", key if key:
            parameters(query, allowed=())
            await store.set(decoded(key), await wasi_http.body(request))
            return Answer(HTTPStatus.NO_CONTENT)
        case _:
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, allow="PUT" if key else "GET")


async def read_all(keys: list[str]) -> dict[str, str]:
    """The values that there are, by key. The first error ends all reads."""
    found: dict[str, str] = {}
    size = 0
    rest = iter(keys)

    async def read() -> None:
        nonlocal size
        for key in rest:
            value = await store.get(key)
            if value is None:
                continue
            size += len(value)
            if size > BYTES:
                raise StateError(Case.TOO_LARGE, f"the values have more than {BYTES >> 20} MiB")
            # JSON has no bytes: what is not UTF-8 in a value is answered as U+FFFD.
            found[key] = value.decode(errors="replace")

    try:
        await asyncio.gather(*(read() for _ in range(AT_ONCE)))
    finally:
        # So that those which go on have nothing more to read.
        for _ in rest:
            pass
    return found


def keys(query: str) -> list[str]:
    named = parameters(query, allowed=("keys",)).get("keys")
    if named is None:
        raise StateError(Case.INVALID, "name the keys: `/?keys=a,b,c`")
    # Split before decoding: a key may have a comma in it, written `%2C`.
    names = named.split(",")
    if len(names) > KEYS:
        raise StateError(Case.INVALID, f"{len(names)} keys are named, of at most {KEYS}")
    return [decoded(name.replace("+", " ")) for name in names]


def parameters(query: str, allowed: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a request, still encoded. A misspelled one must not go unheard."""
    found: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name not in allowed:
            raise StateError(Case.INVALID, f"the parameter `{name}` has no meaning here")
        if name in found:
            raise StateError(Case.INVALID, f"the parameter `{name}` is given twice")
        found[name] = value
    return found


def decoded(text: str) -> str:
    """Undoes percent encoding, and refuses what is malformed."""
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise StateError(Case.INVALID, f"`{text}` has a `%` without two hex digits after it")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise StateError(Case.INVALID, f"`{text}` is not UTF-8 when decoded") from None
