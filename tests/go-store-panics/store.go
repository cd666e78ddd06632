// Package panics is a state store in memory that waits and panics where a test wants it. What it does depends on the key
// behind the app's prefix:
//
//	waits-…   answered after `releases` was set, or when its time is over
//	waiting   how many wait at the moment
//	panics    panics in the goroutine of the request, which ends that request alone
//	ends      panics in a goroutine of its own, which ends the program
package panics

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	"github.com/dapr/kit/logger"
)

type store struct {
	state.BulkStore

	mutex    sync.Mutex
	items    map[string][]byte
	waiting  int
	released chan struct{}
}

// NewStore makes one.
func NewStore(logger.Logger) state.Store {
	s := &store{items: map[string][]byte{}, released: make(chan struct{})}
	s.BulkStore = state.NewDefaultBulkStore(s)
	return s
}

func (s *store) Init(context.Context, state.Metadata) error        { return nil }
func (s *store) Features() []state.Feature                         { return nil }
func (s *store) GetComponentMetadata() (none metadata.MetadataMap) { return }
func (s *store) Close() error                                      { return nil }

func (s *store) Get(ctx context.Context, request *state.GetRequest) (*state.GetResponse, error) {
	name, err := s.act(ctx, request.Key)
	if err != nil {
		return nil, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if name == "waiting" {
		return &state.GetResponse{Data: []byte(strconv.Itoa(s.waiting))}, nil
	}
	return &state.GetResponse{Data: s.items[name]}, nil
}

func (s *store) Set(ctx context.Context, request *state.SetRequest) error {
	name, err := s.act(ctx, request.Key)
	if err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if name == "releases" {
		close(s.released)
		s.released = make(chan struct{})
	}
	s.items[name], _ = request.Value.([]byte)
	return nil
}

func (s *store) Delete(ctx context.Context, request *state.DeleteRequest) error {
	name, err := s.act(ctx, request.Key)
	if err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.items, name)
	return nil
}

// act does what a key asks for, and gives the key without the app's prefix.
func (s *store) act(ctx context.Context, key string) (string, error) {
	_, name, _ := strings.Cut(key, "||")
	switch {
	case name == "panics":
		panic("as it was asked to")
	case name == "ends":
		go panic("as it was asked to, and nobody recovers")
		<-ctx.Done()
		return name, ctx.Err()
	case strings.HasPrefix(name, "waits-"):
		return name, s.wait(ctx)
	}
	return name, nil
}

func (s *store) wait(ctx context.Context) error {
	s.mutex.Lock()
	released := s.released
	s.waiting++
	s.mutex.Unlock()
	defer func() {
		s.mutex.Lock()
		s.waiting--
		s.mutex.Unlock()
	}()
	select {
	case <-released:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
