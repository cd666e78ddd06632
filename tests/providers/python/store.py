"""A state store in memory, with etags and content types."""

import os

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import provider_types as provider
from wit_world.imports.types import Condition_Absent, Condition_Matches, Entry

# Every call gets a `Provider` of its own, so what is kept is here.
items = {}
run = None
writes = 0


class Provider(exports.Provider):
    def init(self, configuration):
        global run
        for name, _ in configuration.metadata:
            raise Err(provider.Error_Invalid(f"unknown metadata `{name}`: this store has none"))
        # Not at the top, which is run when the component is built.
        run = os.urandom(8).hex()
        return provider.Declaration(
            features=provider.Features.ETAGS | provider.Features.CONTENT_TYPES,
            instances=provider.Instances.ONE,
            limits=provider.Limits(key=None, value=None, items=None, operations=None, batch=None),
        )

    def get(self, caller, key, options):
        return items.get(key)

    def bulk_get(self, caller, keys, options, max_bytes):
        entries = [items.get(key) for key in keys]
        if sum(map(size, entries)) > max_bytes:
            raise Err(provider.Error_TooLarge(f"the items exceed {max_bytes} bytes together"))
        return entries

    def set(self, caller, item):
        global writes
        match item.condition:
            case Condition_Absent():
                holds = item.key not in items
            case Condition_Matches(etag):
                holds = matches(item.key, etag)
            case _:
                holds = True
        if not holds:
            raise Err(provider.Error_EtagMismatch(item.key))
        writes += 1
        etag = f"{run}-{writes}"
        items[item.key] = Entry(item.value, etag, item.content_type, expires_at=None, metadata=[])

    def bulk_set(self, caller, list):
        return [result(self.set, caller, item) for item in list]

    def delete(self, caller, item):
        if item.etag is not None and not matches(item.key, item.etag):
            raise Err(provider.Error_EtagMismatch(item.key))
        items.pop(item.key, None)

    def bulk_delete(self, caller, list):
        return [result(self.delete, caller, item) for item in list]

    # Not declared, so not called.

    def transact(self, caller, operations, metadata):
        raise Err(provider.Error_Internal("not declared"))

    def list_keys(self, caller, listing):
        raise Err(provider.Error_Internal("not declared"))


def matches(key, etag):
    """Whether there is an item with this etag."""
    return key in items and items[key].etag == etag


def size(entry):
    """What counts toward the bytes of an answer."""
    return len(entry.value) + len(entry.etag) + len(entry.content_type or "") if entry else 0


def result(write, caller, item):
    """What one write of several answers."""
    try:
        return Ok(write(caller, item))
    except Err as error:
        return error
