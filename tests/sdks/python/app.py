"""Does everything that the SDK has, and answers what was not as it should be."""

import time
import traceback

from dapr import BulkError, Case, Consistency, Delete, Raw, Set, StateError, Store
from wasi_wsgi import handler

store = Store("statestore")


def app(environ, start_response):
    match environ["PATH_INFO"], environ["REQUEST_METHOD"]:
        case "/four", method:
            # As frameworks answer HEAD: with the length of what there would be.
            start_response("200 OK", [("Content-Length", "4")])
            return [] if method == "HEAD" else [b"four"]
        case "/written", _:
            # As what knows nothing of HEAD answers it.
            start_response("200 OK", [("Content-Length", "7")])
            return [b"written"]
        case "/short", _:
            start_response("200 OK", [("Content-Length", "7")])
            return [b"four"]
    try:
        for claim in (values, conditions, several_at_once, transactions, listing, updates, refusals):
            claim()
    except Exception:
        start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        return [traceback.format_exc().encode()]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


def fails(case, function, *args, **options):
    try:
        function(*args, **options)
    except StateError as error:
        assert error.case is case and str(error), (error.case, case)
        return
    raise AssertionError(f"nothing was {case}")


def values():
    assert store.get("absent") is None and store.get("absent", 7) == 7 and store.item("absent") is None
    value = {"text": "käse \U0001f9c0", "list": [1, None, True]}
    store.set("value", value, consistency=Consistency.STRONG, metadata={"a": "b"})
    assert store.get("value", consistency=Consistency.STRONG, metadata={"a": "b"}) == value
    item = store.item("value")
    assert item.content_type == "application/json" and item.expires_at is None and item.etag
    store.set("ending", 1, ttl=1000, content_type="text/x-number")
    ending = store.item("ending")
    assert ending.content_type == "text/x-number"
    assert abs(ending.expires_at - time.time() - 1000) < 60
    raw = Store("statestore", Raw())
    raw.set("bytes", bytes(range(256)))
    assert raw.get("bytes") == bytes(range(256))


def conditions():
    store.set("conditional", 1, absent=True)
    fails(Case.ETAG_MISMATCH, store.set, "conditional", 2, absent=True)
    stale = store.item("conditional").etag
    store.set("conditional", 3, etag=stale)
    fails(Case.ETAG_MISMATCH, store.set, "conditional", 4, etag=stale)
    fails(Case.ETAG_MISMATCH, store.delete, "conditional", etag=stale)
    assert store.get("conditional") == 3
    store.delete("conditional", etag=store.item("conditional").etag)
    store.delete("conditional")
    assert store.get("conditional") is None


def partly(function, items):
    try:
        function(items)
    except BulkError as error:
        assert str(error)
        return [(item.index, item.key, item.error.case) for item in error.items]
    return []


def several_at_once():
    store.set_all([Set("a", 1), Set("b", 2)])
    assert [item and item.value for item in store.items(["b", "absent", "a"])] == [2, None, 1]
    written = partly(store.set_all, [Set("c", 3), Set("a", 4, absent=True), Set("d", 5)])
    assert written == [(1, "a", Case.ETAG_MISMATCH)], written
    assert [store.get(key) for key in "acd"] == [1, 3, 5]
    deleted = partly(store.delete_all, [Delete("c"), Delete("d", etag="stale")])
    assert deleted == [(1, "d", Case.ETAG_MISMATCH)], deleted
    assert [store.get(key) for key in "cd"] == [None, 5]
    fails(Case.INVALID, store.set_all, [Set("", 1), Set("", 2)])


def transactions():
    etag = store.item("a").etag
    fails(Case.ETAG_MISMATCH, store.transact, [Set("b", 9), Delete("a", etag="stale")])
    assert [store.get(key) for key in "ab"] == [1, 2]
    store.transact([Set("b", 9, ttl=1000), Delete("a", etag=etag)])
    assert [store.get(key) for key in "ab"] == [None, 9]


def listing():
    for key in "xyz":
        store.set(f"list/{key}", key)
    first = store.keys("list/", limit=2)
    second = store.keys("list/", cursor=first.cursor)
    assert len(first.keys) == 2 and second.cursor is None
    assert sorted(first.keys + second.keys) == ["list/x", "list/y", "list/z"]
    for number in range(120):
        store.set(f"many/{number}", number)
    assert len(set(store.all_keys("many/"))) == 120


def updates():
    assert store.update("count", lambda count: (count or 0) + 1) == 1
    calls = []

    def collides(count):
        if not calls:
            store.set("count", 10)  # somebody else is faster, once
        calls.append(count)
        return count + 1

    assert store.update("count", collides) == 11 == store.get("count") and calls == [1, 10]

    def always_collides(count):
        store.set("count", count + 1)
        return -1

    fails(Case.ETAG_MISMATCH, store.update, "count", always_collides, tries=3)
    assert store.get("count") == 14

    def refuses(count):
        raise KeyError("enough")

    try:
        store.update("count", refuses)
        raise AssertionError("the error was lost")
    except KeyError:
        assert store.get("count") == 14
    store.update("count", lambda count: count, ttl=lambda count: count * 100)
    assert abs(store.item("count").expires_at - time.time() - 1400) < 60


def refusals():
    fails(Case.INVALID, store.set, "k", 1, ttl=0)
    fails(Case.INVALID, store.set, "k", 1, ttl=2**33)
    fails(Case.INVALID, store.get, "")
    fails(Case.INVALID, store.keys, cursor="nonsense")
    fails(Case.TOO_LARGE, store.set, "k", "x" * (5 << 20))
    fails(Case.NO_SUCH_STORE, Store("nothing").get, "k")
    assert store.get("k") is None


IncomingHandler = handler(app)
