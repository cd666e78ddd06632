package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"todo/dapr"
)

// Todos lie in the state store as one item each, todo/ID or archive/ID, so that two people can change two todos at once, and a
// prefix lists them.
const (
	todos    = "todo/"
	archived = "archive/"
)

const (
	// Archived todos go away after 30 days.
	archiveTTL = 30 * 24 * time.Hour
	// A transaction takes 1000 operations, and to archive a todo is two of them.
	archivedAtOnce = 500
	// How often archiving starts again because somebody changed a todo meanwhile.
	tries = 10
	// Longest title, in bytes. A page of a listing is read at once, and must fit into the 8 MiB that a bulk read answers.
	longest = 1024
)

var store = dapr.NewStore("statestore")

// record is what is stored.
type record struct {
	Title string `json:"title"`
	Done  bool   `json:"done"`
	// When it goes away, in seconds since 1970. The store knows it too, from a TTL that counts from the latest write; this is the
	// end that was set once, which a change must not move.
	ExpiresAt int64 `json:"expires_at,omitempty"`
}

// todo is what is answered.
type todo struct {
	ID string `json:"id"`
	record
}

// todoPage is some of the todos, and the cursor that gets the next ones.
type todoPage struct {
	Todos  []todo  `json:"todos"`
	Cursor *string `json:"cursor"`
}

// newTodo is a todo to be.
type newTodo struct {
	Title string `json:"title"`
	// Seconds until it goes away by itself.
	TTL *uint32 `json:"ttl"`
}

// changeOfTodo is what to change in one.
type changeOfTodo struct {
	Title *string `json:"title"`
	Done  *bool   `json:"done"`
}

func add(ctx context.Context, body newTodo) (todo, error) {
	title, err := checked(body.Title)
	if err != nil {
		return todo{}, err
	}
	made := todo{newID(), record{Title: title}}
	options := []dapr.Option{dapr.IfAbsent()}
	if body.TTL != nil {
		if *body.TTL == 0 {
			return todo{}, bad("the ttl is no number of seconds")
		}
		ttl := time.Duration(*body.TTL) * time.Second
		made.ExpiresAt = end(ttl)
		options = append(options, dapr.TTL(ttl))
	}
	return made, store.Set(ctx, todos+made.ID, made.record, options...)
}

func newID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

func find(ctx context.Context, id string) (todo, error) {
	found, err := dapr.Get[record](ctx, store, todos+id)
	if err := cmp.Or(err, found.current()); err != nil {
		return todo{}, err
	}
	return todo{id, found}, nil
}

// change loses no change of others: it is written on the condition that nobody wrote in between.
func change(ctx context.Context, id string, body changeOfTodo) (todo, error) {
	changed, err := dapr.Update(ctx, store, todos+id, func(draft *dapr.Draft[record]) error {
		if !draft.Found {
			return errNotFound
		}
		if err := draft.Value.current(); err != nil {
			return err
		}
		if body.Title != nil {
			title, err := checked(*body.Title)
			if err != nil {
				return err
			}
			draft.Value.Title = title
		}
		if body.Done != nil {
			draft.Value.Done = *body.Done
		}
		// A write without TTL would make the item live for ever, so that what is left of it has to be said again.
		draft.TTL = draft.Value.remaining()
		return nil
	})
	return todo{id, changed}, err
}

func discard(ctx context.Context, id string) error {
	if id == "" {
		return errNotFound
	}
	return store.Delete(ctx, todos+id)
}

// page is the todos under a prefix, a page at a time, in the order that the store has them.
func page(ctx context.Context, prefix, cursor string) (todoPage, error) {
	items, next, err := listing(ctx, prefix, cursor)
	if err != nil {
		return todoPage{}, err
	}
	found := todoPage{Todos: []todo{}}
	for _, item := range items {
		found.Todos = append(found.Todos, todo{item.id, item.Value})
	}
	if next != "" {
		found.Cursor = &next
	}
	return found, nil
}

// archiveDone moves todos that are done to the archive, all of them or none: at any moment each is in one place.
//
// It answers how many; there may be more to do when it is archivedAtOnce.
func archiveDone(ctx context.Context) (int, error) {
	var err error
	for range tries {
		var operations []dapr.Operation
		if operations, err = archiving(ctx); err != nil || len(operations) == 0 {
			return 0, err
		}
		err = store.Transact(ctx, operations)
		if !errors.Is(err, dapr.ErrEtagMismatch) {
			return len(operations) / 2, err
		}
		// Somebody changed one of them since it was read: see which are done now.
	}
	return 0, err
}

// archiving is the transaction that archives what is done now.
func archiving(ctx context.Context) ([]dapr.Operation, error) {
	// A key may be on two pages while others write, and only once in a transaction.
	seen := map[string]bool{}
	var operations []dapr.Operation
	for cursor := ""; ; {
		items, next, err := listing(ctx, todos, cursor)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if !item.Value.Done || seen[item.id] || len(seen) == archivedAtOnce {
				continue
			}
			seen[item.id] = true
			item.Value.ExpiresAt = end(archiveTTL)
			operations = append(operations,
				dapr.Remove(todos+item.id, dapr.IfMatch(item.ETag)),
				dapr.Put(archived+item.id, item.Value, dapr.TTL(archiveTTL)))
		}
		if cursor = next; cursor == "" || len(seen) == archivedAtOnce {
			return operations, nil
		}
	}
}

// listed is an item of a listing.
type listed struct {
	id string
	*dapr.Item[record]
}

// listing is one page, without what went away since it was listed.
func listing(ctx context.Context, prefix, cursor string) (found []listed, next string, err error) {
	page, err := store.Keys(ctx, prefix, dapr.Page{Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	items, err := dapr.GetItems[record](ctx, store, page.Keys)
	if err != nil {
		return nil, "", err
	}
	for i, item := range items {
		if item != nil && item.Value.current() == nil {
			found = append(found, listed{strings.TrimPrefix(page.Keys[i], prefix), item})
		}
	}
	return found, page.Cursor, nil
}

func checked(title string) (string, error) {
	switch {
	case title == "":
		return "", bad("the title is empty")
	case len(title) > longest:
		return "", bad(fmt.Sprintf("the title is longer than %d bytes", longest))
	}
	return title, nil
}

// ---- when a todo goes away by itself ----
//
// The store counts a TTL from the moment of a write. A todo keeps the second of its end as well, and each change gives the store
// what is left until then: were the store's own end passed on from change to change, each could add the part of a second that it
// was rounded up by, and a todo that is changed often enough would never end.

// end is when a lifetime that begins now has passed. The second that has begun counts in full.
func end(ttl time.Duration) int64 {
	return time.Now().Add(ttl + time.Second - 1).Unix()
}

// current is an error if the time of a todo is over: the store rounds up, by part of a second.
func (r record) current() error {
	if r.ExpiresAt != 0 && time.Now().Unix() >= r.ExpiresAt {
		return errNotFound
	}
	return nil
}

// remaining is the time that is left, for the store's TTL; zero where there is no end.
func (r record) remaining() time.Duration {
	if r.ExpiresAt == 0 {
		return 0
	}
	return time.Duration(r.ExpiresAt-time.Now().Unix()) * time.Second
}
