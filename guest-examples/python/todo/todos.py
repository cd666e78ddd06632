"""Todos, and how they lie in the state store: one item each, ``todo/ID`` or ``archive/ID``, so that two people can change two
todos at once, and a prefix lists them."""

import math
import time
import uuid
from dataclasses import dataclass
from typing import Any, NotRequired, Self, TypedDict

from dapr import Case, Delete, Item, Set, StateError, Store

TODOS = "todo/"
"""The key prefix of the todos."""

ARCHIVE = "archive/"
"""The key prefix of those that were done and put away."""

ARCHIVE_TTL = 30 * 24 * 60 * 60
"""Archived todos go away after 30 days."""

ARCHIVED_AT_ONCE = 500
"""A transaction takes 1000 operations, and to archive a todo is two of them."""

TRIES = 10
"""How often a change starts again because somebody else was faster."""

TITLE = 1024
"""Longest title, in bytes. A page of a listing is read at once, and must fit into the 8 MiB that a bulk read answers."""

store = Store("statestore")


class Record(TypedDict):
    """What is stored. What is answered has an ``id`` as well."""

    title: str
    done: bool
    expires_at: NotRequired[int]
    """When it goes away, in seconds since 1970. The store knows it too, from a TTL that counts from the latest write; this is the
    end that was set once, which a change must not move."""


class Invalid(Exception):
    """What a client sent makes no sense."""


class NotFound(Exception):
    """There is no such todo."""


@dataclass(frozen=True)
class New:
    """A todo to be."""

    title: str
    ttl: int | None
    """Seconds until it goes away by itself."""

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        ttl = fields.get("ttl")
        if ttl is not None and (type(ttl) is not int or ttl < 1):
            raise Invalid("the ttl is no number of seconds")
        return cls(_title(fields.get("title")), ttl)


@dataclass(frozen=True)
class Change:
    """What to change in a todo."""

    title: str | None
    done: bool | None

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        title, done = fields.get("title"), fields.get("done")
        if done is not None and type(done) is not bool:
            raise Invalid("done is true or false")
        return cls(None if title is None else _title(title), done)

    def made(self, record: Record | None) -> Record:
        changed = _current(record).copy()
        if self.title is not None:
            changed["title"] = self.title
        if self.done is not None:
            changed["done"] = self.done
        return changed


def _title(title: Any) -> str:
    if not isinstance(title, str):
        raise Invalid("a todo has a title, which is text")
    if not title:
        raise Invalid("the title is empty")
    try:
        length = len(title.encode())
    except UnicodeEncodeError:
        raise Invalid("the title has half of a character") from None
    if length > TITLE:
        raise Invalid(f"the title is longer than {TITLE} bytes")
    return title


def create(new: New) -> dict[str, Any]:
    id = uuid.uuid4().hex
    record: Record = {"title": new.title, "done": False}
    if new.ttl is not None:
        record["expires_at"] = _end(new.ttl)
    store.set(TODOS + id, record, absent=True, ttl=new.ttl)
    return {"id": id, **record}


def find(id: str) -> dict[str, Any]:
    return {"id": id, **_current(store.get(TODOS + id))}


def change(id: str, change: Change) -> dict[str, Any]:
    """No change is lost: it is written on the condition that nobody wrote in between."""
    # A write without TTL would make the item live for ever, so that what is left of it has to be said again.
    record = store.update(TODOS + id, change.made, ttl=_remaining, tries=TRIES)
    return {"id": id, **record}


def remove(id: str) -> None:
    store.delete(TODOS + id)


def page(prefix: str, cursor: str | None) -> dict[str, Any]:
    """The todos under a prefix, a page at a time, in the order that the store has them."""
    items, cursor = _listing(prefix, cursor)
    return {"todos": [{"id": id, **item.value} for id, item in items.items()], "cursor": cursor}


def archive_done() -> int:
    """Moves todos that are done to the archive, all of them or none: at any moment each is in one place.

    Returns how many; there may be more to do when it is ``ARCHIVED_AT_ONCE``.
    """
    for left in reversed(range(TRIES)):
        operations = _archiving()
        if not operations:
            break
        try:
            store.transact(operations)
            return len(operations) // 2
        except StateError as error:
            # Somebody changed one of them since it was read: see which are done now.
            if error.case is not Case.ETAG_MISMATCH or not left:
                raise
    return 0


def _archiving() -> list[Set | Delete]:
    """The transaction that archives what is done now."""
    # By id, since a key may be on two pages while others write, and only once in a transaction.
    done: dict[str, Item] = {}
    cursor: str | None = None
    while True:
        items, cursor = _listing(TODOS, cursor)
        done |= {id: item for id, item in items.items() if item.value["done"]}
        if cursor is None or len(done) >= ARCHIVED_AT_ONCE:
            break
    operations: list[Set | Delete] = []
    for id, item in list(done.items())[:ARCHIVED_AT_ONCE]:
        if item.etag is None:
            raise StateError(Case.UNSUPPORTED, "the store has no etags")
        archived = item.value | {"expires_at": _end(ARCHIVE_TTL)}
        operations += Delete(TODOS + id, etag=item.etag), Set(ARCHIVE + id, archived, ttl=ARCHIVE_TTL)
    return operations


def _listing(prefix: str, cursor: str | None) -> tuple[dict[str, Item], str | None]:
    """One page of a listing: items by id, without those that went away since they were listed."""
    page = store.keys(prefix, cursor=cursor)
    items = zip(page.keys, store.items(page.keys))
    found = {key.removeprefix(prefix): item for key, item in items if item and not _is_over(item.value)}
    return found, page.cursor


# ---- when a todo goes away by itself ----
#
# The store counts a TTL from the moment of a write. A todo keeps the second of its end as well, and each change gives the store
# what is left until then: were the store's own end passed on from change to change, each could add the part of a second that it
# was rounded up by, and a todo that is changed often enough would never end.


def _end(ttl: int) -> int:
    """When a lifetime that begins now has passed. The second that has begun counts in full."""
    return math.ceil(time.time()) + ttl


def _is_over(record: Record) -> bool:
    return "expires_at" in record and time.time() >= record["expires_at"]


def _current(record: Record | None) -> Record:
    """What is stored, unless its time is over: the store rounds up, by part of a second."""
    if record is None or _is_over(record):
        raise NotFound
    return record


def _remaining(record: Record) -> int | None:
    """The seconds that are left, for the store's TTL."""
    if "expires_at" not in record:
        return None
    seconds = record["expires_at"] - int(time.time())
    if seconds <= 0:
        raise NotFound
    return min(seconds, 2**31 - 1)
