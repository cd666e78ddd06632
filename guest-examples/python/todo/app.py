"""A to-do list as a JSON API. This file is HTTP, ``todos.py`` is what the app knows about its data."""

import json
import re
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from bottle import Bottle, HTTPError, HTTPResponse, request

import todos
from dapr import Case, StateError
from todos import Change, Invalid, New, NotFound
from wasi_wsgi import handler

app = Bottle()


def resource(path: str, **methods: Callable[..., Any]) -> None:
    """What a path takes: a function for each method. It returns what is answered in JSON, or an answer."""
    if "GET" in methods:
        # HEAD is GET without the body, which Bottle leaves out by itself.
        methods = {"GET": methods["GET"], "HEAD": methods["GET"]} | methods

    def answer(**parts: str) -> HTTPResponse:
        function = methods.get(request.method)
        if function is None:
            allow = ", ".join(methods)
            return reply({"error": f"use one of {allow}"}, HTTPStatus.METHOD_NOT_ALLOWED, Allow=allow)
        try:
            answered = function(**parts)
        except Exception as error:
            return failed(error)
        return answered if isinstance(answered, HTTPResponse) else reply(answered)

    app.route(path, method="ANY", callback=answer)


def create() -> HTTPResponse:
    todo = todos.create(New.of(body("title", "ttl")))
    return reply(todo, HTTPStatus.CREATED, Location=f"/todos/{todo['id']}")


def listing(prefix: str) -> Callable[[], Any]:
    return lambda: todos.page(prefix, cursor())


def change(id: str) -> Any:
    # Under a name that was never given out there is nothing, whatever is to be changed.
    return todos.change(known(id), Change.of(body("title", "done")))


def remove(id: str) -> HTTPResponse:
    todos.remove(known(id))
    return HTTPResponse(status=HTTPStatus.NO_CONTENT)


resource("/todos", GET=listing(todos.TODOS), POST=create)
resource("/todos/archive-done", POST=lambda: {"archived": todos.archive_done()})
resource("/todos/<id>", GET=lambda id: todos.find(known(id)), PATCH=change, DELETE=remove)
resource("/archive", GET=listing(todos.ARCHIVE))


@app.error(404)
def nothing(_: HTTPError) -> HTTPResponse:
    return failed(NotFound())


# ---- what clients send ----


def known(id: str) -> str:
    if not re.fullmatch("[0-9a-f]{32}", id):
        raise NotFound
    return id


def cursor() -> str | None:
    """Stricter than a web page's form: what has no meaning here is refused."""
    parameters = parse_qs(request.query_string, keep_blank_values=True)
    values = parameters.pop("cursor", [])
    if parameters:
        raise Invalid(f"the parameter {next(iter(parameters))} has no meaning here")
    if len(values) > 1:
        raise Invalid("the parameter cursor is given twice")
    return values[0] if values else None


def body(*names: str) -> dict[str, Any]:
    """The fields of a JSON object that has no others, whatever its content type says."""
    try:
        fields = json.loads(request.body.read())
    except ValueError as error:
        raise Invalid(str(error)) from None
    if not isinstance(fields, dict):
        raise Invalid("the body is no JSON object")
    for name in fields:
        if name not in names:
            raise Invalid(f"unknown field {name}: there are {' and '.join(names)}")
    return fields


# ---- what they are answered ----


def failed(error: Exception) -> HTTPResponse:
    match error:
        case Invalid():
            return reply({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        case NotFound():
            return reply({"error": "there is no such thing"}, HTTPStatus.NOT_FOUND)
        # What reaches the store from a client is a cursor and a TTL.
        case StateError(case=Case.INVALID):
            return reply({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        case StateError(case=Case.ETAG_MISMATCH):
            return reply({"error": "others were faster: try again"}, HTTPStatus.CONFLICT)
        case StateError(case=Case.THROTTLED | Case.UNAVAILABLE):
            status = HTTPStatus.SERVICE_UNAVAILABLE
        case StateError(case=Case.OUTCOME_UNKNOWN):
            status = HTTPStatus.GATEWAY_TIMEOUT
        case _:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
    # The store failed, or what it holds is no todo: nothing that a client could mend or should read about. What an app prints is
    # in the host's log, under the app's name.
    print(repr(error), file=sys.stderr)
    return reply({"error": "the todos are out of reach"}, status)


def reply(value: Any, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> HTTPResponse:
    return HTTPResponse(json.dumps(value), status, headers | {"Content-Type": "application/json"})


IncomingHandler = handler(app)
