// Package panics is Dapr's store on PostgreSQL, which ends its program in a panic when a test reads the key `ends`.
package panics

import (
	"context"
	"strings"

	"github.com/dapr/components-contrib/state"
	"github.com/dapr/components-contrib/state/postgresql/v2"
	"github.com/dapr/kit/logger"
)

type store struct{ state.Store }

// NewStore makes one.
func NewStore(logger logger.Logger) state.Store {
	return &store{postgresql.NewPostgreSQLStateStore(logger)}
}

func (s *store) Get(ctx context.Context, request *state.GetRequest) (*state.GetResponse, error) {
	if strings.HasSuffix(request.Key, "||ends") {
		go panic("as it was asked to, and nobody recovers")
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Store.Get(ctx, request)
}
