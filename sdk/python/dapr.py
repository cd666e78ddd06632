"""State of dapr-wasm for apps in Python: values as JSON, options with defaults, errors as exceptions.

    store = Store("statestore")
    store.set("greeting", {"text": "hello"})
    greeting = store.get("greeting")
    visits = store.update("visits", lambda count: (count or 0) + 1)

It stands on the interface ``dapr:state/store@0.1.0``, which the app's world has to import, and adds nothing to what that does:
its documentation in WIT holds here. A call returns when the store has answered.

``AsyncStore`` is the same on ``dapr:state/store-async@0.1.0``, of worlds of WASI 0.3: several calls wait at once.

    store = AsyncStore("statestore")
    apples, pears = await asyncio.gather(store.get("apples"), store.get("pears"))
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

from componentize_py_types import Err

# The bindings name an interface by its last word, unless the world has another one of that name.
try:
    from wit_world.imports import dapr_state_types as types
except ImportError:
    from wit_world.imports import types

# A world has one of the two.
host: Any = None
try:
    from wit_world.imports import dapr_state_store as host
except ImportError:
    with suppress(ImportError):
        from wit_world.imports import store as host
host_async: Any = None
try:
    from wit_world.imports import dapr_state_store_async as host_async
except ImportError:
    with suppress(ImportError):
        from wit_world.imports import store_async as host_async

T = TypeVar("T")


class Case(StrEnum):
    """Why an operation was not done: what to act on. But for ``OUTCOME_UNKNOWN``, nothing was written."""

    INVALID = "invalid"
    TOO_LARGE = "too-large"
    ETAG_MISMATCH = "etag-mismatch"
    NO_SUCH_STORE = "no-such-store"
    NOT_CONFIGURED = "not-configured"
    DENIED = "denied"
    UNSUPPORTED = "unsupported"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome-unknown"
    INTERNAL = "internal"


class StateError(Exception):
    """An operation that was not done. Act on ``case``; the text is for a person."""

    def __init__(self, case: Case, message: str) -> None:
        super().__init__(message)
        self.case = case


class ItemError(NamedTuple):
    """An item of a bulk write that was not done."""

    index: int
    """Its position in what was passed."""
    key: str
    error: StateError


class BulkError(Exception):
    """Items of a bulk write that were not done; all the others were."""

    def __init__(self, items: Sequence[ItemError]) -> None:
        super().__init__("; ".join(f"{item.key}: {item.error}" for item in items))
        self.items = items


class Consistency(StrEnum):
    """How much a read or write must agree with others: a hint, which a store of one consistency ignores."""

    EVENTUAL = "eventual"
    STRONG = "strong"


class Codec(Protocol):
    """How values lie in a store."""

    content_type: str | None

    def encode(self, value: Any) -> bytes: ...

    def decode(self, data: bytes) -> Any: ...


class Json:
    """Values as JSON: what a store has unless it is told otherwise."""

    content_type = "application/json"

    def encode(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def decode(self, data: bytes) -> Any:
        return json.loads(data)


class Raw:
    """Values as the bytes that they are."""

    content_type = None

    def encode(self, value: bytes) -> bytes:
        return bytes(value)

    def decode(self, data: bytes) -> bytes:
        return data


@dataclass(frozen=True)
class Item:
    """What is stored under a key, with what the host knows about it."""

    value: Any
    etag: str | None = None
    """The version, for conditions. None where the store has no etags."""
    content_type: str | None = None
    expires_at: int | None = None
    """When it ends, in seconds since 1970. None if it does not."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What else the store says."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What reads, writes and deletes have in common."""

    consistency: Consistency | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """For the store, as it is."""

    def _common(self) -> dict[str, Any]:
        consistency = self.consistency and types.Consistency[self.consistency.name]
        return {"consistency": consistency, "metadata": list(self.metadata.items())}


@dataclass(frozen=True)
class Set(Options):
    """A write that is made together with others."""

    key: str
    value: Any
    etag: str | None = field(default=None, kw_only=True)
    """Write only if the item has this etag."""
    absent: bool = field(default=False, kw_only=True)
    """Write only if there is no item."""
    ttl: int | None = field(default=None, kw_only=True)
    """Seconds that the item lives. Without them it does not end."""
    content_type: str | None = field(default=None, kw_only=True)
    """Of the value. What the store's codec says, if it is left out."""

    def _lowered(self, codec: Codec) -> types.SetItem:
        if self.absent:
            condition: types.Condition = types.Condition_Absent()
        elif self.etag is not None:
            condition = types.Condition_Matches(self.etag)
        else:
            condition = types.Condition_Any()
        if self.ttl is not None and not 0 <= self.ttl < 2**32:
            raise StateError(Case.INVALID, f"a TTL of {self.ttl} is no number of seconds from 1 to 2147483647")
        options = types.SetOptions(
            condition=condition,
            ttl=self.ttl,
            content_type=self.content_type or codec.content_type,
            **self._common(),
        )
        return types.SetItem(self.key, codec.encode(self.value), options)


@dataclass(frozen=True)
class Delete(Options):
    """A delete that is made together with others."""

    key: str
    etag: str | None = field(default=None, kw_only=True)
    """Delete only if the item has this etag."""

    def _lowered(self) -> types.DeleteItem:
        return types.DeleteItem(self.key, types.DeleteOptions(etag=self.etag, **self._common()))


@dataclass(frozen=True)
class KeyPage:
    """One page of a listing."""

    keys: list[str]
    """In no particular order. A key may be on two pages while others write."""
    cursor: str | None
    """What gets the next page. None: this was the last one."""


class _Named:
    """A store of the configuration: a table ``[state.NAME]``."""

    def __init__(self, name: str = "statestore", codec: Codec = Json()) -> None:
        self.name = name
        self._codec = codec

    def _lifted(self, entry: types.Entry) -> Item:
        return Item(
            value=self._codec.decode(entry.value),
            etag=entry.etag,
            content_type=entry.content_type,
            expires_at=entry.expires_at,
            metadata=dict(entry.metadata),
        )

    def _lowered(self, operations: Iterable[Set | Delete]) -> list[types.Operation]:
        return [
            types.Operation_Set(operation._lowered(self._codec))
            if isinstance(operation, Set)
            else types.Operation_Delete(operation._lowered())
            for operation in operations
        ]

    def _version(self, item: Item | None) -> dict[str, Any]:
        """The condition that nobody wrote since."""
        if item is None:
            return {"absent": True}
        if item.etag is None:
            raise StateError(Case.UNSUPPORTED, f"the store {self.name} has no etags")
        return {"etag": item.etag}


class Store(_Named):
    """A store whose calls return when it has answered."""

    def get(self, key: str, default: Any = None, **options: Any) -> Any:
        """The value under a key, or the default if there is none. Options: ``consistency``, ``metadata``."""
        item = self.item(key, **options)
        return default if item is None else item.value

    def item(self, key: str, **options: Any) -> Item | None:
        """The item under a key, with its etag."""
        entry = _call(host.get, self.name, key, _reading(options))
        return entry and self._lifted(entry)

    def items(self, keys: Sequence[str], **options: Any) -> list[Item | None]:
        """The items under up to 1000 keys, in their order."""
        entries = _call(host.bulk_get, self.name, list(keys), _reading(options))
        return [entry and self._lifted(entry) for entry in entries]

    def set(self, key: str, value: Any, **options: Any) -> None:
        """Writes a value. The options are those of ``Set``."""
        item = Set(key, value, **options)._lowered(self._codec)
        _call(host.set, self.name, item.key, item.value, item.options)

    def set_all(self, items: Iterable[Set]) -> None:
        """Writes up to 1000 values, each on its own. For all or nothing use ``transact``."""
        lowered = [item._lowered(self._codec) for item in items]
        _call_for_each(host.bulk_set, self.name, lowered)

    def delete(self, key: str, **options: Any) -> None:
        """Removes what is under a key. That nothing was there is no error, unless an etag was given."""
        item = Delete(key, **options)._lowered()
        _call(host.delete, self.name, item.key, item.options)

    def delete_all(self, items: Iterable[Delete]) -> None:
        """Removes what is under up to 1000 keys, each on its own."""
        _call_for_each(host.bulk_delete, self.name, [item._lowered() for item in items])

    def transact(self, operations: Iterable[Set | Delete], metadata: Mapping[str, str] | None = None) -> None:
        """Does up to 1000 operations, all or none. A key may be named once."""
        options = types.TransactOptions(list((metadata or {}).items()))
        _call(host.transact, self.name, self._lowered(operations), options)

    def keys(self, prefix: str = "", *, limit: int | None = None, cursor: str | None = None) -> KeyPage:
        """A page of the app's keys that start with a prefix: 100 of them, if no limit is given."""
        page = _call(host.list_keys, self.name, prefix, types.ListOptions(limit, cursor))
        return KeyPage(page.keys, page.cursor)

    def all_keys(self, prefix: str = "") -> Iterator[str]:
        """All of the app's keys that start with a prefix, asked for page by page."""
        page = self.keys(prefix)
        yield from page.keys
        while page.cursor is not None:
            page = self.keys(prefix, cursor=page.cursor)
            yield from page.keys

    def update(
        self,
        key: str,
        change: Callable[[Any], T],
        *,
        ttl: int | Callable[[T], int | None] | None = None,
        tries: int = 64,
        **options: Any,
    ) -> T:
        """Reads a value, has it changed, and writes it on the condition that nobody wrote in between; if somebody did, all over
        again. So ``change`` may be called several times, and should do nothing but return what the value becomes; where there is
        none, it is called with None. What it raises ends the update, and nothing is written.

        Returns what was written. ``ttl`` may depend on it. Raises ``ETAG_MISMATCH`` when others were faster each time.
        """
        reading = {name: options[name] for name in ("consistency", "metadata") if name in options}
        while True:
            item = self.item(key, **reading)
            condition = self._version(item)
            value = change(item.value if item else None)
            lives = ttl(value) if callable(ttl) else ttl
            try:
                self.set(key, value, ttl=lives, **condition, **options)
                return value
            except StateError as error:
                tries -= 1
                if error.case is not Case.ETAG_MISMATCH or tries <= 0:
                    raise


class AsyncStore(_Named):
    """A store for apps that have several calls under way at once. Each does what that of ``Store`` does."""

    async def get(self, key: str, default: Any = None, **options: Any) -> Any:
        item = await self.item(key, **options)
        return default if item is None else item.value

    async def item(self, key: str, **options: Any) -> Item | None:
        entry = await _awaited(host_async.get, self.name, key, _reading(options))
        return entry and self._lifted(entry)

    async def items(self, keys: Sequence[str], **options: Any) -> list[Item | None]:
        entries = await _awaited(host_async.bulk_get, self.name, list(keys), _reading(options))
        return [entry and self._lifted(entry) for entry in entries]

    async def set(self, key: str, value: Any, **options: Any) -> None:
        item = Set(key, value, **options)._lowered(self._codec)
        await _awaited(host_async.set, self.name, item.key, item.value, item.options)

    async def set_all(self, items: Iterable[Set]) -> None:
        lowered = [item._lowered(self._codec) for item in items]
        await _awaited_for_each(host_async.bulk_set, self.name, lowered)

    async def delete(self, key: str, **options: Any) -> None:
        item = Delete(key, **options)._lowered()
        await _awaited(host_async.delete, self.name, item.key, item.options)

    async def delete_all(self, items: Iterable[Delete]) -> None:
        await _awaited_for_each(host_async.bulk_delete, self.name, [item._lowered() for item in items])

    async def transact(self, operations: Iterable[Set | Delete], metadata: Mapping[str, str] | None = None) -> None:
        options = types.TransactOptions(list((metadata or {}).items()))
        await _awaited(host_async.transact, self.name, self._lowered(operations), options)

    async def keys(self, prefix: str = "", *, limit: int | None = None, cursor: str | None = None) -> KeyPage:
        page = await _awaited(host_async.list_keys, self.name, prefix, types.ListOptions(limit, cursor))
        return KeyPage(page.keys, page.cursor)

    async def all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        cursor: str | None = None
        while True:
            page = await self.keys(prefix, cursor=cursor)
            for key in page.keys:
                yield key
            cursor = page.cursor
            if cursor is None:
                return

    async def update(
        self,
        key: str,
        change: Callable[[Any], T],
        *,
        ttl: int | Callable[[T], int | None] | None = None,
        tries: int = 64,
        **options: Any,
    ) -> T:
        reading = {name: options[name] for name in ("consistency", "metadata") if name in options}
        while True:
            item = await self.item(key, **reading)
            condition = self._version(item)
            value = change(item.value if item else None)
            lives = ttl(value) if callable(ttl) else ttl
            try:
                await self.set(key, value, ttl=lives, **condition, **options)
                return value
            except StateError as error:
                tries -= 1
                if error.case is not Case.ETAG_MISMATCH or tries <= 0:
                    raise


def _reading(options: Mapping[str, Any]) -> types.GetOptions:
    return types.GetOptions(**Options(**options)._common())


_CASES = {getattr(types, "Error_" + case.value.title().replace("-", "")): case for case in Case}


def _error(error: types.Error) -> StateError:
    return StateError(_CASES[type(error)], error.value)


def _call(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except Err as failed:
        raise _error(failed.value) from None


async def _awaited(function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    try:
        return await function(*args)
    except Err as failed:
        raise _error(failed.value) from None


def _call_for_each(function: Callable[..., None], name: str, items: list[Any]) -> None:
    try:
        function(name, items)
    except Err as failed:
        raise _bulk_error(failed.value, items) from None


async def _awaited_for_each(function: Callable[..., Awaitable[None]], name: str, items: list[Any]) -> None:
    try:
        await function(name, items)
    except Err as failed:
        raise _bulk_error(failed.value, items) from None


def _bulk_error(error: types.BulkError, items: list[Any]) -> StateError | BulkError:
    if isinstance(error, types.BulkError_Call):
        return _error(error.value)
    return BulkError([ItemError(item.index, items[item.index].key, _error(item.error)) for item in error.value])
