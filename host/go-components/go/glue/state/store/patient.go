package store

import (
	"context"

	"github.com/dapr/components-contrib/state"
)

// Calls of a store without patience that are under way at the same time, given up ones included.
const mostPatient = 256

// patient is a store whose client does not look at contexts: a call that is cancelled or out of time is given up, and ends by
// itself some time. It has no transactions and no listing, as the stores that need this have none.
type patient struct {
	state.Store
	slots chan struct{}
}

func newPatient(inner state.Store) patient {
	return patient{Store: inner, slots: make(chan struct{}, mostPatient)}
}

func (p patient) Get(ctx context.Context, request *state.GetRequest) (*state.GetResponse, error) {
	return await(ctx, p.slots, func() (*state.GetResponse, error) { return p.Store.Get(ctx, request) })
}

func (p patient) Set(ctx context.Context, request *state.SetRequest) error {
	_, err := await(ctx, p.slots, func() (struct{}, error) { return struct{}{}, p.Store.Set(ctx, request) })
	return err
}

func (p patient) Delete(ctx context.Context, request *state.DeleteRequest) error {
	_, err := await(ctx, p.slots, func() (struct{}, error) { return struct{}{}, p.Store.Delete(ctx, request) })
	return err
}

// await does something that may take longer than the context lasts.
func await[T any](ctx context.Context, slots chan struct{}, do func() (T, error)) (T, error) {
	var none T
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return none, notDone{ctx.Err()}
	}
	type result struct {
		value    T
		err      error
		panicked any
	}
	results := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			r.panicked = recover()
			<-slots
			results <- r
		}()
		r.value, r.err = do()
	}()
	select {
	case r := <-results:
		if r.panicked != nil {
			panic(r.panicked)
		}
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
