// Package dapr is state of dapr-wasm for apps in Go: values as JSON, options that can be left out, errors for errors.Is.
//
//	store := dapr.NewStore("statestore")
//	err := store.Set(ctx, "greeting", Greeting{Text: "hello"})
//	greeting, err := dapr.Get[Greeting](ctx, store, "greeting")
//	visits, err := dapr.Update(ctx, store, "visits", func(draft *dapr.Draft[int]) error {
//		draft.Value++
//		return nil
//	})
//
// It stands on the interface dapr:state/store@0.1.0, which the app's world has to import, and adds nothing to what that does:
// its documentation in WIT holds here. A value is JSON, but for []byte, which is stored as it is.
//
// A call ends when the host has answered, which the store's deadline sees to; a context that is done keeps it from beginning.
package dapr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"wit_component/imports/dapr_state_store"
	"wit_component/imports/dapr_state_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Code is why an operation was not done: what errors.Is asks for.
type Code string

// The codes of dapr:state. But for ErrOutcomeUnknown, nothing was written.
const (
	ErrInvalid        Code = "invalid"
	ErrTooLarge       Code = "too-large"
	ErrEtagMismatch   Code = "etag-mismatch"
	ErrNoSuchStore    Code = "no-such-store"
	ErrNotConfigured  Code = "not-configured"
	ErrDenied         Code = "denied"
	ErrUnsupported    Code = "unsupported"
	ErrThrottled      Code = "throttled"
	ErrUnavailable    Code = "unavailable"
	ErrOutcomeUnknown Code = "outcome-unknown"
	ErrInternal       Code = "internal"
)

func (code Code) Error() string { return string(code) }

// ErrNotFound is what a read of one item answers where there is none.
var ErrNotFound = errors.New("there is no such item")

// Error is an operation that was not done. errors.Is tells its code: errors.Is(err, dapr.ErrEtagMismatch).
type Error struct {
	Code Code
	// Message is for a person.
	Message string
}

func (err *Error) Error() string { return fmt.Sprintf("%s: %s", err.Code, err.Message) }

// Unwrap gives the code.
func (err *Error) Unwrap() error { return err.Code }

// ItemError is an item of a bulk write that was not done.
type ItemError struct {
	// Index is its position in what was passed.
	Index int
	Key   string
	Err   *Error
}

func (err *ItemError) Error() string { return fmt.Sprintf("%q: %v", err.Key, err.Err) }

// Unwrap gives the reason.
func (err *ItemError) Unwrap() error { return err.Err }

// BulkError has the items of a bulk write that were not done; all the others were.
type BulkError struct{ Items []*ItemError }

func (err *BulkError) Error() string {
	texts := make([]string, 0, len(err.Items))
	for _, item := range err.Items {
		texts = append(texts, item.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives all of them.
func (err *BulkError) Unwrap() []error {
	errs := make([]error, 0, len(err.Items))
	for _, item := range err.Items {
		errs = append(errs, item)
	}
	return errs
}

// ---- options ----

// Option says how to read, write or delete. One that means nothing to an operation has no effect there.
type Option func(*options)

type options struct {
	condition   dapr_state_types.Condition
	etag        wit.Option[string]
	ttl         time.Duration
	contentType wit.Option[string]
	consistency wit.Option[dapr_state_types.Consistency]
	metadata    []wit.Tuple2[string, string]
}

// IfAbsent has an item written only if there is none.
func IfAbsent() Option {
	return func(o *options) { o.condition = dapr_state_types.MakeConditionAbsent() }
}

// IfMatch has an item written or deleted only if it has this etag.
func IfMatch(etag string) Option {
	return func(o *options) {
		o.condition, o.etag = dapr_state_types.MakeConditionMatches(etag), wit.Some(etag)
	}
}

// TTL has an item end after a time, which is rounded up to whole seconds.
func TTL(ttl time.Duration) Option { return func(o *options) { o.ttl = ttl } }

// ContentType says what a value is, in place of application/json for what is not []byte.
func ContentType(contentType string) Option {
	return func(o *options) { o.contentType = wit.Some(contentType) }
}

// Eventual lets a read be stale, and a write be acknowledged by one replica.
func Eventual() Option {
	return func(o *options) { o.consistency = wit.Some(dapr_state_types.Consistency_Eventual) }
}

// Strong has a read see every acknowledged write, and a write be acknowledged by all replicas or a quorum.
func Strong() Option {
	return func(o *options) { o.consistency = wit.Some(dapr_state_types.Consistency_Strong) }
}

// Metadata is passed on to the store as it is.
func Metadata(name, value string) Option {
	return func(o *options) { o.metadata = append(o.metadata, wit.Tuple2[string, string]{F0: name, F1: value}) }
}

func of(list []Option) options {
	o := options{condition: dapr_state_types.MakeConditionAny()}
	for _, option := range list {
		option(&o)
	}
	return o
}

func (o options) reading() wit.Option[dapr_state_types.GetOptions] {
	return wit.Some(dapr_state_types.GetOptions{Consistency: o.consistency, Metadata: o.metadata})
}

func (o options) writing() (wit.Option[dapr_state_types.SetOptions], error) {
	ttl, err := seconds(o.ttl)
	if err != nil {
		return wit.None[dapr_state_types.SetOptions](), err
	}
	return wit.Some(dapr_state_types.SetOptions{
		Condition:   o.condition,
		Ttl:         ttl,
		ContentType: o.contentType,
		Consistency: o.consistency,
		Metadata:    o.metadata,
	}), nil
}

func (o options) deleting() wit.Option[dapr_state_types.DeleteOptions] {
	return wit.Some(dapr_state_types.DeleteOptions{Etag: o.etag, Consistency: o.consistency, Metadata: o.metadata})
}

func seconds(ttl time.Duration) (wit.Option[uint32], error) {
	rounded := (ttl + time.Second - 1) / time.Second
	switch {
	case ttl == 0:
		return wit.None[uint32](), nil
	case ttl < 0 || rounded > math.MaxInt32:
		return wit.None[uint32](), &Error{ErrInvalid, fmt.Sprintf("a TTL of %v is out of range", ttl)}
	default:
		return wit.Some(uint32(rounded)), nil
	}
}

// ---- items ----

// Store is a store of the configuration: a table [state.NAME].
type Store struct{ name string }

// NewStore is the store of this name. Whether there is one shows at the first call.
func NewStore(name string) Store { return Store{name} }

// Item is what is stored under a key, with what the host knows about it.
type Item[T any] struct {
	Value T
	// ETag is the version, for IfMatch; empty where the store has none.
	ETag        string
	ContentType string
	// ExpiresAt is when it ends; the zero time if it does not.
	ExpiresAt time.Time
	// Metadata is what else the store says.
	Metadata map[string]string
}

// Get reads a value. Where there is none, that is ErrNotFound.
func Get[T any](ctx context.Context, store Store, key string, opts ...Option) (T, error) {
	item, err := GetItem[T](ctx, store, key, opts...)
	return item.Value, err
}

// GetItem reads an item, with its etag. Where there is none, that is ErrNotFound.
func GetItem[T any](ctx context.Context, store Store, key string, opts ...Option) (Item[T], error) {
	if err := ctx.Err(); err != nil {
		return Item[T]{}, err
	}
	result := dapr_state_store.Get(store.name, key, of(opts).reading())
	if result.IsErr() {
		return Item[T]{}, failed(result.Err())
	}
	if result.Ok().IsNone() {
		return Item[T]{}, ErrNotFound
	}
	return lifted[T](result.Ok().Some())
}

// GetItems reads up to 1000 items, in the order of the keys; nil is where there is none.
func GetItems[T any](ctx context.Context, store Store, keys []string, opts ...Option) ([]*Item[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	result := dapr_state_store.BulkGet(store.name, keys, of(opts).reading())
	if result.IsErr() {
		return nil, failed(result.Err())
	}
	items := make([]*Item[T], len(keys))
	for i, entry := range result.Ok() {
		if entry.IsNone() {
			continue
		}
		item, err := lifted[T](entry.Some())
		if err != nil {
			return nil, err
		}
		items[i] = &item
	}
	return items, nil
}

// Set writes a value.
func (store Store) Set(ctx context.Context, key string, value any, opts ...Option) error {
	item, err := lowered(key, value, opts)
	if err := errors.Join(ctx.Err(), err); err != nil {
		return err
	}
	return done(dapr_state_store.Set(store.name, key, item.Value, item.Options))
}

// Delete removes what is under a key. That nothing was there is no error, unless an etag was given.
func (store Store) Delete(ctx context.Context, key string, opts ...Option) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return done(dapr_state_store.Delete(store.name, key, of(opts).deleting()))
}

// ---- several at once ----

// Operation is a write that is made together with others: Put or Remove.
type Operation struct {
	key   string
	value any
	isSet bool
	opts  []Option
}

// Put is the operation that writes a value.
func Put(key string, value any, opts ...Option) Operation { return Operation{key, value, true, opts} }

// Remove is the operation that deletes.
func Remove(key string, opts ...Option) Operation { return Operation{key: key, opts: opts} }

// Transact does up to 1000 operations, all or none. A key may be named once.
func (store Store) Transact(ctx context.Context, operations []Operation, opts ...Option) error {
	steps := make([]dapr_state_types.Operation, 0, len(operations))
	for _, operation := range operations {
		if !operation.isSet {
			item := dapr_state_types.DeleteItem{Key: operation.key, Options: of(operation.opts).deleting()}
			steps = append(steps, dapr_state_types.MakeOperationDelete(item))
			continue
		}
		item, err := lowered(operation.key, operation.value, operation.opts)
		if err != nil {
			return err
		}
		steps = append(steps, dapr_state_types.MakeOperationSet(item))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	options := wit.Some(dapr_state_types.TransactOptions{Metadata: of(opts).metadata})
	return done(dapr_state_store.Transact(store.name, steps, options))
}

// Bulk does up to 1000 operations, each on its own, first all that write and then all that delete. What failed is a *BulkError.
// For all or nothing use Transact.
func (store Store) Bulk(ctx context.Context, operations ...Operation) error {
	var sets []dapr_state_types.SetItem
	var deletes []dapr_state_types.DeleteItem
	var setAt, deleteAt []int
	for i, operation := range operations {
		if !operation.isSet {
			deletes = append(deletes, dapr_state_types.DeleteItem{Key: operation.key, Options: of(operation.opts).deleting()})
			deleteAt = append(deleteAt, i)
			continue
		}
		item, err := lowered(operation.key, operation.value, operation.opts)
		if err != nil {
			return err
		}
		sets, setAt = append(sets, item), append(setAt, i)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	failures := &BulkError{}
	if len(sets) > 0 {
		if err := failures.add(dapr_state_store.BulkSet(store.name, sets), operations, setAt); err != nil {
			return err
		}
	}
	if len(deletes) > 0 {
		if err := failures.add(dapr_state_store.BulkDelete(store.name, deletes), operations, deleteAt); err != nil {
			return err
		}
	}
	if len(failures.Items) > 0 {
		return failures
	}
	return nil
}

func (err *BulkError) add(
	result wit.Result[wit.Unit, dapr_state_types.BulkError], operations []Operation, at []int,
) error {
	if result.IsOk() {
		return nil
	}
	failure := result.Err()
	if failure.Tag() == dapr_state_types.BulkError_Call {
		return failed(failure.Call())
	}
	for _, item := range failure.Items() {
		index := at[item.Index]
		err.Items = append(err.Items, &ItemError{index, operations[index].key, failed(item.Error)})
	}
	return nil
}

// ---- listing ----

// Page is which page of a listing: the first one of 100 keys, unless it says otherwise.
type Page struct {
	// Limit is how many keys a page has at most: 1 to 1000.
	Limit uint32
	// Cursor is what the page before gave.
	Cursor string
}

// KeyPage is one page of a listing.
type KeyPage struct {
	// Keys are in no particular order. A key may be on two pages while others write.
	Keys []string
	// Cursor gets the next page; empty on the last one.
	Cursor string
}

// Keys lists a page of the app's keys that start with a prefix.
func (store Store) Keys(ctx context.Context, prefix string, page Page) (KeyPage, error) {
	if err := ctx.Err(); err != nil {
		return KeyPage{}, err
	}
	var options dapr_state_types.ListOptions
	if page.Limit > 0 {
		options.Limit = wit.Some(page.Limit)
	}
	if page.Cursor != "" {
		options.Cursor = wit.Some(page.Cursor)
	}
	result := dapr_state_store.ListKeys(store.name, prefix, wit.Some(options))
	if result.IsErr() {
		return KeyPage{}, failed(result.Err())
	}
	return KeyPage{result.Ok().Keys, result.Ok().Cursor.SomeOr("")}, nil
}

// AllKeys are all of the app's keys that start with a prefix, asked for page by page. An error is the last that comes.
func (store Store) AllKeys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var page Page
		for {
			found, err := store.Keys(ctx, prefix, page)
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range found.Keys {
				if !yield(key, nil) {
					return
				}
			}
			if page.Cursor = found.Cursor; page.Cursor == "" {
				return
			}
		}
	}
}

// ---- the etag loop ----

// Tries is how often Update begins again while others are faster.
const Tries = 64

// Draft is an item that is about to be written.
type Draft[T any] struct {
	// Value is what was read, or the zero value; and what is written.
	Value T
	// Found says whether something was read.
	Found bool
	// TTL is how long the item lives from now on: at first what the options of Update say. Zero: it does not end, whenever it did
	// before.
	TTL time.Duration
}

// Update reads a value, has it changed, and writes it on the condition that nobody wrote in between; if somebody did, all over
// again. So change may be called several times, and should do nothing but change the draft. What it answers ends the update, and
// nothing is written.
//
// It answers what was written. ErrEtagMismatch is that others were faster each time.
func Update[T any](
	ctx context.Context, store Store, key string, change func(*Draft[T]) error, opts ...Option,
) (value T, err error) {
	for range Tries {
		item, err := GetItem[T](ctx, store, key, opts...)
		draft := Draft[T]{Value: item.Value, Found: err == nil, TTL: of(opts).ttl}
		condition := IfMatch(item.ETag)
		switch {
		case errors.Is(err, ErrNotFound):
			condition = IfAbsent()
		case err != nil:
			return value, err
		case item.ETag == "":
			return value, &Error{ErrUnsupported, fmt.Sprintf("the store %q has no etags", store.name)}
		}
		if err := change(&draft); err != nil {
			return value, err
		}
		more := append(opts[:len(opts):len(opts)], condition, TTL(draft.TTL))
		err = store.Set(ctx, key, draft.Value, more...)
		if !errors.Is(err, ErrEtagMismatch) {
			return draft.Value, err
		}
	}
	return value, &Error{ErrEtagMismatch, fmt.Sprintf("others were faster %d times", Tries)}
}

// ---- to the bindings and back ----

func lowered(key string, value any, opts []Option) (dapr_state_types.SetItem, error) {
	o := of(opts)
	encoded, isBytes := value.([]byte)
	if !isBytes {
		var err error
		if encoded, err = json.Marshal(value); err != nil {
			return dapr_state_types.SetItem{}, fmt.Errorf("the value of %q: %w", key, err)
		}
		if o.contentType.IsNone() {
			o.contentType = wit.Some("application/json")
		}
	}
	options, err := o.writing()
	return dapr_state_types.SetItem{Key: key, Value: encoded, Options: options}, err
}

func lifted[T any](entry dapr_state_types.Entry) (Item[T], error) {
	item := Item[T]{ETag: entry.Etag.SomeOr(""), ContentType: entry.ContentType.SomeOr("")}
	if entry.ExpiresAt.IsSome() {
		item.ExpiresAt = time.Unix(int64(entry.ExpiresAt.Some()), 0)
	}
	if len(entry.Metadata) > 0 {
		item.Metadata = make(map[string]string, len(entry.Metadata))
		for _, pair := range entry.Metadata {
			item.Metadata[pair.F0] = pair.F1
		}
	}
	if value, isBytes := any(&item.Value).(*[]byte); isBytes {
		*value = entry.Value
		return item, nil
	}
	if err := json.Unmarshal(entry.Value, &item.Value); err != nil {
		return Item[T]{}, fmt.Errorf("what is stored is no %T: %w", item.Value, err)
	}
	return item, nil
}

func done(result wit.Result[wit.Unit, dapr_state_types.Error]) error {
	if result.IsErr() {
		return failed(result.Err())
	}
	return nil
}

func failed(err dapr_state_types.Error) *Error {
	switch err.Tag() {
	case dapr_state_types.Error_Invalid:
		return &Error{ErrInvalid, err.Invalid()}
	case dapr_state_types.Error_TooLarge:
		return &Error{ErrTooLarge, err.TooLarge()}
	case dapr_state_types.Error_EtagMismatch:
		return &Error{ErrEtagMismatch, err.EtagMismatch()}
	case dapr_state_types.Error_NoSuchStore:
		return &Error{ErrNoSuchStore, err.NoSuchStore()}
	case dapr_state_types.Error_NotConfigured:
		return &Error{ErrNotConfigured, err.NotConfigured()}
	case dapr_state_types.Error_Denied:
		return &Error{ErrDenied, err.Denied()}
	case dapr_state_types.Error_Unsupported:
		return &Error{ErrUnsupported, err.Unsupported()}
	case dapr_state_types.Error_Throttled:
		return &Error{ErrThrottled, err.Throttled()}
	case dapr_state_types.Error_Unavailable:
		return &Error{ErrUnavailable, err.Unavailable()}
	case dapr_state_types.Error_OutcomeUnknown:
		return &Error{ErrOutcomeUnknown, err.OutcomeUnknown()}
	default:
		return &Error{ErrInternal, err.Internal()}
	}
}
