package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/dapr/components-contrib/state"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	requests "wit_component/dapr_state_provider_requests"
	types "wit_component/dapr_state_provider_types"
)

// Items of a bulk call that are under way at the same time: more would only wait for a connection.
const atOnce = 16

func (c *contrib) bulkGet(ctx context.Context, request requests.BulkGetRequest) answer {
	entries, err := c.entries(ctx, request)
	if err != nil {
		return refuse(c.readError(err, request.Keys...))
	}
	total := 0
	for _, entry := range entries {
		if total += size(entry); total > int(request.MaxBytes) {
			return refuse(types.MakeErrorTooLarge(fmt.Sprintf("the items have more than %d bytes", request.MaxBytes)))
		}
	}
	return accept(requests.MakeResponseEntries(entries))
}

// entries reads each key once, in one request of the store where it has that, and answers in the order of the keys.
func (c *contrib) entries(ctx context.Context, request requests.BulkGetRequest) ([]option, error) {
	gets := make([]state.GetRequest, 0, len(request.Keys))
	places := make(map[string]int, len(request.Keys))
	for _, key := range request.Keys {
		if _, known := places[key]; !known {
			places[key] = len(gets)
			gets = append(gets, *c.getRequest(key, request.Options))
		}
	}
	found := make([]option, len(gets))
	var err error
	if c.traits.bulkGet {
		err = c.manyAtOnce(ctx, gets, places, found)
	} else {
		err = c.oneByOne(ctx, gets, found)
	}
	if err != nil {
		return nil, err
	}
	entries := make([]option, len(request.Keys))
	for i, key := range request.Keys {
		entries[i] = found[places[key]]
	}
	return entries, nil
}

func (c *contrib) manyAtOnce(ctx context.Context, gets []state.GetRequest, places map[string]int, found []option) error {
	results, err := c.inner.BulkGet(ctx, gets, state.BulkGetOpts{Parallelism: atOnce})
	if err != nil {
		return err
	}
	for i := range found {
		found[i] = option{}
	}
	for _, result := range results {
		place, asked := places[result.Key]
		if !asked {
			continue
		}
		if result.Error != "" {
			return errors.New(result.Error)
		}
		found[place], err = c.entry(&state.GetResponse{Data: result.Data, ETag: result.ETag, Metadata: result.Metadata})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *contrib) oneByOne(ctx context.Context, gets []state.GetRequest, found []option) error {
	failures := make([]error, len(gets))
	c.each(len(gets), func(i int) {
		response, err := c.read(ctx, &gets[i])
		if err == nil {
			found[i], err = c.entry(response)
		}
		failures[i] = err
	})
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// Bulk writes are single writes, some at the same time: components-contrib's own do no more, and say of the items only
// together what became of them.

func (c *contrib) bulkSet(ctx context.Context, items []types.SetItem) answer {
	return c.writtenEach(len(items), func(i int) answer { return c.written(c.set(ctx, items[i]), items[i].Key) })
}

func (c *contrib) bulkDelete(ctx context.Context, items []types.DeleteItem) answer {
	return c.writtenEach(len(items), func(i int) answer { return c.written(c.delete(ctx, items[i]), items[i].Key) })
}

func (c *contrib) writtenEach(count int, write func(int) answer) answer {
	results := make([]witTypes.Result[witTypes.Unit, types.Error], count)
	c.each(count, func(i int) {
		if written := write(i); written.IsErr() {
			results[i] = witTypes.Err[witTypes.Unit, types.Error](written.Err())
		} else {
			results[i] = witTypes.Ok[witTypes.Unit, types.Error](witTypes.Unit{})
		}
	})
	return accept(requests.MakeResponseEach(results))
}

// each does something for each of so many, a few at the same time. A panic is one of the caller's.
func (c *contrib) each(count int, do func(int)) {
	var (
		all      sync.WaitGroup
		mutex    sync.Mutex
		next     int
		panicked any
	)
	work := func() {
		defer all.Done()
		defer func() {
			if value := recover(); value != nil {
				mutex.Lock()
				panicked = value
				mutex.Unlock()
			}
		}()
		for {
			mutex.Lock()
			i := next
			next++
			mutex.Unlock()
			if i >= count {
				return
			}
			do(i)
		}
	}
	workers := atOnce
	if c.traits.atOnce > 0 {
		workers = c.traits.atOnce
	}
	for range min(count, workers) {
		all.Add(1)
		go work()
	}
	all.Wait()
	if panicked != nil {
		panic(panicked)
	}
}
