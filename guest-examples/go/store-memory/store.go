// Package store is a state store in memory, with the interface of Dapr's components: values with etags, and a list of keys.
//
// The host calls it many times at once, from goroutines of its own.
package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	"github.com/dapr/components-contrib/state/utils"
	"github.com/dapr/kit/logger"
)

// item is what is stored under a key. It is never changed, and a write puts another in its place.
type item struct {
	data []byte
	etag string
	// Of the write that made the first one under its key: keys are listed in this order.
	number uint64
}

type store struct {
	// BulkGet, BulkSet and BulkDelete, by what is below.
	state.BulkStore

	log logger.Logger
	// In every etag: those of an instance that is gone do not come back.
	run string

	mutex  sync.Mutex
	items  map[string]*item
	writes uint64
}

// New makes a store that is not open yet. The host finds it by what it takes and gives.
func New(log logger.Logger) state.Store {
	s := &store{log: log, run: rand.Text(), items: map[string]*item{}}
	s.BulkStore = state.NewDefaultBulkStore(s)
	return s
}

// Init opens the store. What it is told is the table of components.toml; here nothing can be set.
func (s *store) Init(_ context.Context, told state.Metadata) error {
	for name := range told.Properties {
		return fmt.Errorf("unknown metadata `%s`: this store has none", name)
	}
	s.log.Debugf("%s is empty", told.Name)
	return nil
}

// Features is what it can do beside the least: apps that want more are told that it cannot.
func (s *store) Features() []state.Feature {
	return []state.Feature{state.FeatureETag, state.FeatureKeysLike}
}

// GetComponentMetadata lists what can be set in components.toml.
func (s *store) GetComponentMetadata() metadata.MetadataMap { return metadata.MetadataMap{} }

// Close closes the store.
func (s *store) Close() error { return nil }

// Get answers what is under a key: nothing, if there is nothing.
func (s *store) Get(_ context.Context, request *state.GetRequest) (*state.GetResponse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := s.items[request.Key]
	if found == nil {
		return &state.GetResponse{}, nil
	}
	return &state.GetResponse{Data: found.data, ETag: &found.etag}, nil
}

// Set writes a value, on the condition that the request has.
func (s *store) Set(_ context.Context, request *state.SetRequest) error {
	data, err := utils.Marshal(request.Value, json.Marshal)
	if err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := s.items[request.Key]
	// Dapr's first-write is, without an etag, that there is nothing yet.
	if request.Options.Concurrency == state.FirstWrite && !request.HasETag() && found != nil {
		return state.NewETagError(state.ETagMismatch, errors.New("there is an item already"))
	}
	if err := matches(found, request.ETag); err != nil {
		return err
	}
	s.writes++
	number := s.writes
	if found != nil {
		number = found.number
	}
	s.items[request.Key] = &item{data: data, etag: fmt.Sprintf("%s-%d", s.run, s.writes), number: number}
	return nil
}

// Delete removes what is under a key, on the condition that the request has. That nothing was there is no error.
func (s *store) Delete(_ context.Context, request *state.DeleteRequest) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := matches(s.items[request.Key], request.ETag); err != nil {
		return err
	}
	delete(s.items, request.Key)
	return nil
}

// matches says whether an item has the etag that is asked for, if one is.
func matches(found *item, etag *string) error {
	if etag == nil || *etag == "" || found != nil && found.etag == *etag {
		return nil
	}
	return state.NewETagError(state.ETagMismatch, errors.New("it was written in between, or is gone"))
}

// KeysLike answers a page of the keys that match a pattern, the oldest first. Where a page ends is said as a number, not as the
// last key: that may be one of another app, which nobody is to see.
func (s *store) KeysLike(_ context.Context, request *state.KeysLikeRequest) (*state.KeysLikeResponse, error) {
	pattern, err := like(request.Pattern)
	if err != nil {
		return nil, err
	}
	var after uint64
	if token := request.ContinuationToken; token != nil {
		if after, err = strconv.ParseUint(*token, 10, 64); err != nil {
			return nil, err
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	page := &state.KeysLikeResponse{}
	for key, found := range s.items {
		if found.number > after && pattern.MatchString(key) {
			page.Keys = append(page.Keys, key)
		}
	}
	slices.SortFunc(page.Keys, func(one, other string) int {
		return cmp.Compare(s.items[one].number, s.items[other].number)
	})
	if size := request.PageSize; size != nil && len(page.Keys) > int(*size) {
		page.Keys = page.Keys[:*size]
		last := strconv.FormatUint(s.items[page.Keys[*size-1]].number, 10)
		page.ContinuationToken = &last
	}
	return page, nil
}

// like is a pattern of SQL's LIKE: % is any text, _ any character, and \ takes what follows as it is.
func like(pattern string) (*regexp.Regexp, error) {
	var expression strings.Builder
	expression.WriteString(`(?s)\A`)
	escaped := false
	for _, character := range pattern {
		switch {
		case !escaped && character == '\\':
			escaped = true
			continue
		case !escaped && character == '%':
			expression.WriteString(".*")
		case !escaped && character == '_':
			expression.WriteString(".")
		default:
			expression.WriteString(regexp.QuoteMeta(string(character)))
		}
		escaped = false
	}
	expression.WriteString(`\z`)
	return regexp.Compile(expression.String())
}
