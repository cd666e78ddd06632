"""Does everything that the SDK has for apps that wait at once, and answers what was not as it should be."""

import asyncio
import traceback
from http import HTTPStatus

import wasi_http
from dapr import AsyncStore, BulkError, Case, Delete, Set, StateError
from wasi_http import Answer
from wit_world import exports

store = AsyncStore("statestore")


class Handler(exports.Handler):
    async def handle(self, request: wasi_http.Request) -> wasi_http.Response:
        try:
            for claim in (values, conditions, several_at_once, transactions, listing, updates):
                await claim()
        except Exception:
            return wasi_http.response(Answer(HTTPStatus.INTERNAL_SERVER_ERROR, traceback.format_exc()))
        return wasi_http.response(Answer(HTTPStatus.OK, "ok"))


async def fails(case, call):
    try:
        await call
    except StateError as error:
        assert error.case is case and str(error), (error.case, case)
        return
    raise AssertionError(f"nothing was {case}")


async def values():
    assert await store.get("absent") is None and await store.get("absent", 7) == 7
    value = {"text": "käse \U0001f9c0", "list": [1, None, True]}
    await store.set("value", value, ttl=1000)
    item = await store.item("value")
    assert item.value == value and item.etag and item.expires_at and item.content_type == "application/json"
    await fails(Case.NO_SUCH_STORE, AsyncStore("nowhere").get("value"))


async def conditions():
    await store.set("conditional", 1, absent=True)
    await fails(Case.ETAG_MISMATCH, store.set("conditional", 2, absent=True))
    stale = (await store.item("conditional")).etag
    await store.set("conditional", 3, etag=stale)
    await fails(Case.ETAG_MISMATCH, store.delete("conditional", etag=stale))
    await store.delete("conditional")
    assert await store.get("conditional") is None


async def several_at_once():
    await store.set_all([Set("many/a", 1), Set("many/b", 2)])
    items = await store.items(["many/a", "absent", "many/b"])
    assert [item and item.value for item in items] == [1, None, 2]
    assert await asyncio.gather(store.get("many/a"), store.get("many/b")) == [1, 2]
    try:
        await store.set_all([Set("many/a", 3, absent=True), Set("many/c", 4)])
    except BulkError as error:
        assert [(item.index, item.key, item.error.case) for item in error.items] == [(0, "many/a", Case.ETAG_MISMATCH)]
    else:
        raise AssertionError("an item that is there was written as if it were not")
    await store.delete_all([Delete("many/a"), Delete("many/b"), Delete("many/c")])
    assert await store.get("many/c") is None


async def transactions():
    await store.transact([Set("one", 1), Set("two", 2)])
    await fails(Case.ETAG_MISMATCH, store.transact([Delete("one"), Set("two", 3, absent=True)]))
    assert await store.get("one") == 1
    await store.transact([Delete("one"), Delete("two")])


async def listing():
    await store.set_all(Set(f"page/{number}", number) for number in range(5))
    page = await store.keys("page/", limit=2)
    assert len(page.keys) == 2 and page.cursor
    assert len((await store.keys("page/", limit=5, cursor=page.cursor)).keys) == 3
    assert {key async for key in store.all_keys("page/")} == {f"page/{number}" for number in range(5)}
    await store.delete_all([Delete(f"page/{number}") for number in range(5)])


async def updates():
    counts = await asyncio.gather(*(store.update("count", lambda count: (count or 0) + 1) for _ in range(8)))
    assert sorted(counts) == list(range(1, 9)), counts
    assert await store.update("count", lambda count: count + 1, ttl=lambda count: 1000) == 9
    assert (await store.item("count")).expires_at
    await store.delete("count")
