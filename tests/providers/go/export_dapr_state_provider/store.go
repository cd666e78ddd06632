// Package export_dapr_state_provider is a state store in memory, with etags and content types.
package export_dapr_state_provider

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	. "wit_component/dapr_state_provider_types"
	"wit_component/dapr_state_types"

	. "go.bytecodealliance.org/pkg/wit/types"
)

type Entry = dapr_state_types.Entry

var (
	items  = map[string]Entry{}
	run    string
	writes int
)

// Go's collector must not begin while the host hands over the arguments of a call: it asks for the time and switches
// goroutines, which a component may not do then. So it does not begin by itself; `collect` has it collect.
func init() { debug.SetGCPercent(-1) }

// betweenCollections is how many bytes are allocated from one collection to the next, at least.
const betweenCollections = 32 << 20

var (
	allocated = []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	collected uint64
)

// collect is called first in every function that the host calls.
func collect() {
	metrics.Read(allocated)
	if now := allocated[0].Value.Uint64(); now-collected > betweenCollections {
		runtime.GC()
		collected = now
	}
}

func Init(configuration Configuration) Result[Declaration, Error] {
	for _, setting := range configuration.Metadata {
		return Err[Declaration](MakeErrorInvalid(fmt.Sprintf("unknown metadata `%s`: this store has none", setting.F0)))
	}
	run = rand.Text()
	return Ok[Declaration, Error](Declaration{
		Features:  Features_Etags | Features_ContentTypes,
		Instances: Instances_One,
	})
}

func Get(caller Caller, key string, options dapr_state_types.GetOptions) Result[Option[Entry], Error] {
	collect()
	return Ok[Option[Entry], Error](find(key))
}

func BulkGet(
	caller Caller, keys []string, options dapr_state_types.GetOptions, maxBytes uint32,
) Result[[]Option[Entry], Error] {
	collect()
	left := int(maxBytes)
	entries := make([]Option[Entry], 0, len(keys))
	for _, key := range keys {
		entry := find(key)
		if entry.IsSome() {
			left -= size(entry.Some())
		}
		if left < 0 {
			text := fmt.Sprintf("the items exceed %d bytes together", maxBytes)
			return Err[[]Option[Entry]](MakeErrorTooLarge(text))
		}
		entries = append(entries, entry)
	}
	return Ok[[]Option[Entry], Error](entries)
}

func Set(caller Caller, item SetItem) Result[Unit, Error] {
	collect()
	if !holds(item.Key, item.Condition) {
		return mismatch(item.Key)
	}
	writes++
	items[item.Key] = Entry{
		Value:       item.Value,
		Etag:        Some(fmt.Sprintf("%s-%d", run, writes)),
		ContentType: item.ContentType,
	}
	return Ok[Unit, Error](Unit{})
}

func BulkSet(caller Caller, list []SetItem) Result[[]Result[Unit, Error], Error] {
	collect()
	results := make([]Result[Unit, Error], 0, len(list))
	for _, item := range list {
		results = append(results, Set(caller, item))
	}
	return Ok[[]Result[Unit, Error], Error](results)
}

func Delete(caller Caller, item DeleteItem) Result[Unit, Error] {
	collect()
	if item.Etag.IsSome() && !holds(item.Key, dapr_state_types.MakeConditionMatches(item.Etag.Some())) {
		return mismatch(item.Key)
	}
	delete(items, item.Key)
	return Ok[Unit, Error](Unit{})
}

func BulkDelete(caller Caller, list []DeleteItem) Result[[]Result[Unit, Error], Error] {
	collect()
	results := make([]Result[Unit, Error], 0, len(list))
	for _, item := range list {
		results = append(results, Delete(caller, item))
	}
	return Ok[[]Result[Unit, Error], Error](results)
}

// Not declared, so not called.

func Transact(caller Caller, operations []Operation, metadata Metadata) Result[Unit, Error] {
	return Err[Unit](MakeErrorInternal("not declared"))
}

func ListKeys(caller Caller, listing Listing) Result[Page, Error] {
	return Err[Page](MakeErrorInternal("not declared"))
}

func find(key string) Option[Entry] {
	if entry, found := items[key]; found {
		return Some(entry)
	}
	return None[Entry]()
}

func holds(key string, condition dapr_state_types.Condition) bool {
	entry, found := items[key]
	switch condition.Tag() {
	case dapr_state_types.Condition_Absent:
		return !found
	case dapr_state_types.Condition_Matches:
		return found && entry.Etag.Some() == condition.Matches()
	default:
		return true
	}
}

func mismatch(key string) Result[Unit, Error] {
	return Err[Unit](MakeErrorEtagMismatch(Some(key)))
}

// What counts toward the bytes of an answer.
func size(entry Entry) int {
	return len(entry.Value) + len(entry.Etag.Some()) + len(entry.ContentType.SomeOr(""))
}
