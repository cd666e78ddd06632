// Package answering is a state store below the root of its module, which has the same value under each key: the greeting of
// another module and the words of a package beside it.
package answering

import (
	"context"
	"strings"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	"github.com/dapr/kit/logger"

	"example.org/greetings"
	"example.org/own/v2/internal/words"
)

type store struct {
	state.BulkStore
}

// NewStore makes one.
func NewStore(logger.Logger) state.Store {
	s := &store{}
	s.BulkStore = state.NewDefaultBulkStore(s)
	return s
}

func (s *store) Init(context.Context, state.Metadata) error        { return nil }
func (s *store) Features() []state.Feature                         { return nil }
func (s *store) GetComponentMetadata() (none metadata.MetadataMap) { return }
func (s *store) Close() error                                      { return nil }

func (s *store) Get(context.Context, *state.GetRequest) (*state.GetResponse, error) {
	return &state.GetResponse{Data: []byte(greetings.Greeting + " " + strings.TrimSpace(words.Text))}, nil
}

func (s *store) Set(context.Context, *state.SetRequest) error       { return nil }
func (s *store) Delete(context.Context, *state.DeleteRequest) error { return nil }
