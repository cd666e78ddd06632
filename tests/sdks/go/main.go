// Command sdk does everything that the SDK has, and answers what was not as it should be.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"sdk/dapr"
	"sdk/wasihttp"
)

var (
	ctx   = context.Background()
	store = dapr.NewStore("statestore")
)

func main() {
	http.HandleFunc("/four", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("four"))
	})
	http.HandleFunc("/written", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "written") })
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if wrong := recover(); wrong != nil {
				http.Error(w, fmt.Sprintf("%v\n%s", wrong, debug.Stack()), http.StatusInternalServerError)
			}
		}()
		for _, claim := range []func(){values, conditions, severalAtOnce, transactions, listing, updates, refusals} {
			claim()
		}
		fmt.Fprint(w, "ok")
	})
	wasihttp.Serve(http.DefaultServeMux)
}

func same(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("%v is not %v", found, expected))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func got[T any](value T, err error) T {
	must(err)
	return value
}

func fails(err error, code dapr.Code) {
	var failure *dapr.Error
	if !errors.Is(err, code) || !errors.As(err, &failure) || failure.Message == "" {
		panic(fmt.Sprintf("%v is not %v", err, code))
	}
}

func value(key string) int {
	number, err := dapr.Get[int](ctx, store, key)
	if errors.Is(err, dapr.ErrNotFound) {
		return 0
	}
	must(err)
	return number
}

func lives(key string, ttl time.Duration) {
	item := got(dapr.GetItem[int](ctx, store, key))
	if left := time.Until(item.ExpiresAt) - ttl; left.Abs() > time.Minute {
		panic(fmt.Sprintf("it ends %v late", left))
	}
}

func values() {
	type record struct {
		Text string
		List []int
	}
	_, err := dapr.Get[record](ctx, store, "absent")
	same(err, dapr.ErrNotFound)
	written := record{"käse \U0001F9C0", []int{1, 2}}
	must(store.Set(ctx, "value", written, dapr.Strong(), dapr.Metadata("a", "b")))
	same(got(dapr.Get[record](ctx, store, "value", dapr.Eventual(), dapr.Metadata("a", "b"))), written)
	item := got(dapr.GetItem[record](ctx, store, "value"))
	same(item.ContentType, "application/json")
	same(item.ExpiresAt.IsZero() && item.ETag != "", true)
	must(store.Set(ctx, "ending", 1, dapr.TTL(1000*time.Second), dapr.ContentType("text/x-number")))
	same(got(dapr.GetItem[int](ctx, store, "ending")).ContentType, "text/x-number")
	lives("ending", 1000*time.Second)
	all := bytes.Repeat([]byte{0, 1, 127, 128, 255}, 1000)
	must(store.Set(ctx, "bytes", all))
	same(got(dapr.Get[[]byte](ctx, store, "bytes")), all)
	// What is stored is of another type.
	if _, err := dapr.Get[int](ctx, store, "value"); err == nil || errors.Is(err, dapr.ErrNotFound) {
		panic("a record is a number")
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	same(errors.Is(store.Set(done, "late", 1), context.Canceled), true)
	same(value("late"), 0)
}

func conditions() {
	must(store.Set(ctx, "conditional", 1, dapr.IfAbsent()))
	fails(store.Set(ctx, "conditional", 2, dapr.IfAbsent()), dapr.ErrEtagMismatch)
	stale := got(dapr.GetItem[int](ctx, store, "conditional")).ETag
	must(store.Set(ctx, "conditional", 3, dapr.IfMatch(stale)))
	fails(store.Set(ctx, "conditional", 4, dapr.IfMatch(stale)), dapr.ErrEtagMismatch)
	fails(store.Delete(ctx, "conditional", dapr.IfMatch(stale)), dapr.ErrEtagMismatch)
	same(value("conditional"), 3)
	must(store.Delete(ctx, "conditional", dapr.IfMatch(got(dapr.GetItem[int](ctx, store, "conditional")).ETag)))
	must(store.Delete(ctx, "conditional"))
	same(value("conditional"), 0)
}

func severalAtOnce() {
	must(store.Bulk(ctx, dapr.Put("a", 1), dapr.Put("b", 2)))
	items := got(dapr.GetItems[int](ctx, store, []string{"b", "absent", "a"}))
	same([]any{items[0].Value, items[1], items[2].Value}, []any{2, (*dapr.Item[int])(nil), 1})
	err := store.Bulk(ctx,
		dapr.Put("c", 3), dapr.Remove("b", dapr.IfMatch("stale")), dapr.Put("a", 4, dapr.IfAbsent()), dapr.Put("d", 5))
	var failures *dapr.BulkError
	same(errors.As(err, &failures) && errors.Is(err, dapr.ErrEtagMismatch) && err.Error() != "", true)
	var failed []string
	for _, item := range failures.Items {
		failed = append(failed, fmt.Sprint(item.Index, item.Key, item.Err.Code))
	}
	same(failed, []string{"2aetag-mismatch", "1betag-mismatch"})
	same([]int{value("a"), value("b"), value("c"), value("d")}, []int{1, 2, 3, 5})
	fails(store.Bulk(ctx, dapr.Put("", 1), dapr.Put("", 2)), dapr.ErrInvalid)
}

func transactions() {
	etag := got(dapr.GetItem[int](ctx, store, "a")).ETag
	stale := []dapr.Operation{dapr.Put("b", 9), dapr.Remove("a", dapr.IfMatch("stale"))}
	fails(store.Transact(ctx, stale), dapr.ErrEtagMismatch)
	same([]int{value("a"), value("b")}, []int{1, 2})
	must(store.Transact(ctx, []dapr.Operation{dapr.Put("b", 9, dapr.TTL(time.Hour)), dapr.Remove("a", dapr.IfMatch(etag))}))
	same([]int{value("a"), value("b")}, []int{0, 9})
}

func listing() {
	for _, key := range []string{"x", "y", "z"} {
		must(store.Set(ctx, "list/"+key, key))
	}
	first := got(store.Keys(ctx, "list/", dapr.Page{Limit: 2}))
	second := got(store.Keys(ctx, "list/", dapr.Page{Cursor: first.Cursor}))
	same(len(first.Keys), 2)
	same(second.Cursor, "")
	keys := append(first.Keys, second.Keys...)
	slices.Sort(keys)
	same(keys, []string{"list/x", "list/y", "list/z"})
	for number := range 120 {
		must(store.Set(ctx, fmt.Sprint("many/", number), number))
	}
	all := map[string]bool{}
	for key, err := range store.AllKeys(ctx, "many/") {
		must(err)
		all[key] = true
	}
	same(len(all), 120)
}

func updates() {
	addOne := func(draft *dapr.Draft[int]) error {
		draft.Value++
		return nil
	}
	same(got(dapr.Update(ctx, store, "count", addOne)), 1)
	calls := 0
	same(got(dapr.Update(ctx, store, "count", func(draft *dapr.Draft[int]) error {
		// Somebody else is faster, once.
		if calls++; calls == 1 {
			must(store.Set(ctx, "count", 10))
		}
		same(draft.Found, true)
		return addOne(draft)
	})), 11)
	same([]int{calls, value("count")}, []int{2, 11})
	_, err := dapr.Update(ctx, store, "count", func(draft *dapr.Draft[int]) error {
		return store.Set(ctx, "count", draft.Value+1)
	})
	fails(err, dapr.ErrEtagMismatch)
	same(value("count"), 11+dapr.Tries)
	enough := errors.New("enough")
	_, err = dapr.Update(ctx, store, "count", func(*dapr.Draft[int]) error { return enough })
	same(err, enough)
	got(dapr.Update(ctx, store, "count", func(draft *dapr.Draft[int]) error {
		draft.TTL = time.Hour
		return nil
	}))
	lives("count", time.Hour)
	// What the options say is what a draft begins with.
	got(dapr.Update(ctx, store, "count", addOne, dapr.TTL(2*time.Hour)))
	lives("count", 2*time.Hour)
	got(dapr.Update(ctx, store, "count", func(draft *dapr.Draft[int]) error {
		same(draft.TTL, 2*time.Hour)
		draft.TTL = 0
		return nil
	}, dapr.TTL(2*time.Hour)))
	same(got(dapr.GetItem[int](ctx, store, "count")).ExpiresAt.IsZero(), true)
}

func refusals() {
	fails(store.Set(ctx, "k", 1, dapr.TTL(-time.Second)), dapr.ErrInvalid)
	fails(store.Set(ctx, "k", 1, dapr.TTL(100*365*24*time.Hour)), dapr.ErrInvalid)
	_, err := dapr.Get[int](ctx, store, "")
	fails(err, dapr.ErrInvalid)
	_, err = store.Keys(ctx, "", dapr.Page{Cursor: "nonsense"})
	fails(err, dapr.ErrInvalid)
	fails(store.Set(ctx, "k", strings.Repeat("x", 5<<20)), dapr.ErrTooLarge)
	_, err = dapr.Get[int](ctx, dapr.NewStore("nothing"), "k")
	fails(err, dapr.ErrNoSuchStore)
	same(store.Set(ctx, "k", func() {}) == nil, false)
	same(value("k"), 0)
}
