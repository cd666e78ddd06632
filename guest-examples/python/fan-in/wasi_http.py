"""The little of ``wasi:http@0.3`` that this app needs."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import componentize_py_async_support
import wit_world
from componentize_py_async_support.streams import ByteStreamWriter
from componentize_py_types import Err, Ok
from wit_world.imports.wasi_http_types import (
    ErrorCode_HttpRequestBodySize,
    Fields,
    Method_Other,
    Request,
    Response,
)

BODY = 4 << 20
"""Bytes of a body that are read. More than that no store takes for a value, and others have requests in this memory too."""

CHUNK = 64 << 10
"""What is read at once."""


class TooLarge(Exception):
    """A body that nobody takes."""


@dataclass(frozen=True)
class Answer:
    status: HTTPStatus
    text: str = ""
    content_type: str | None = None
    allow: str | None = None


def method(request: Request) -> str:
    found = request.get_method()
    if isinstance(found, Method_Other):
        return found.value
    return type(found).__name__.removeprefix("Method_").upper()


def response(answer: Answer) -> Response:
    contents = answer.text.encode()
    headers = {"content-type": answer.content_type, "allow": answer.allow}
    if answer.status != HTTPStatus.NO_CONTENT:
        headers["content-length"] = str(len(contents))
    fields = Fields.from_list([(name, value.encode()) for name, value in headers.items() if value is not None])
    body = None
    if contents:
        writer, body = wit_world.byte_stream()
        # The host reads the body once it has the response, so that writing it goes on after the handler has returned.
        componentize_py_async_support.spawn(write(writer, contents))
    made, _ = Response.new(fields, body, no_trailers())
    made.set_status_code(answer.status)
    return made


async def write(writer: ByteStreamWriter, contents: bytes) -> None:
    with writer:
        # What is left over was for a client that went away.
        await writer.write_all(contents)


async def body(request: Request) -> bytes:
    """The request's body, whole."""
    contents, trailers = Request.consume_body(request, processed())
    chunks = bytearray()
    with contents:
        while not contents.writer_dropped:
            chunks += await contents.read(CHUNK)
            if len(chunks) > BODY:
                raise TooLarge(f"the body is larger than {BODY >> 20} MiB")
    # A body that was cut off ends like any other. That it was shows here, and nowhere else.
    with trailers:
        end = await trailers.read()
    if isinstance(end, Err) and isinstance(end.value, ErrorCode_HttpRequestBodySize):
        raise TooLarge("the host takes no body of this size")
    return bytes(chunks)


def no_trailers():
    return wit_world.result_option_wasi_http_types_fields_wasi_http_types_error_code_future(lambda: Ok(None))[1]


def processed():
    return wit_world.result_unit_wasi_http_types_error_code_future(lambda: Ok(None))[1]
