package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dapr/components-contrib/state"
)

// Bench is how calls are to be measured.
type Bench struct {
	// Operation is get or set.
	Operation string `json:"operation"`
	// Callers call one after the other each, all at the same time.
	Callers int `json:"callers"`
	// Seconds is how long.
	Seconds float64 `json:"seconds"`
	// Keys is how many each caller has, in turn.
	Keys int `json:"keys"`
	// Size of a value, in bytes.
	Size int `json:"size"`
	// InTransaction sets as the component's glue sets in Redis: a transaction of one.
	InTransaction bool `json:"inTransaction"`
}

// Measured is what was seen: calls in a second, and what one took in nanoseconds.
type Measured struct {
	PerSecond float64 `json:"per_second"`
	P50       int64   `json:"p50_ns"`
	P99       int64   `json:"p99_ns"`
}

func (b Bench) run(ctx context.Context, store state.Store) (Measured, error) {
	value := make([]byte, b.Size)
	for i := range value {
		value[i] = 'x'
	}
	call := func(key string) error {
		if b.Operation == "get" {
			found, err := store.Get(ctx, &state.GetRequest{Key: key})
			if err == nil && len(found.Data) != b.Size {
				err = fmt.Errorf("%s has %d bytes", key, len(found.Data))
			}
			return err
		}
		return b.set(ctx, store, state.SetRequest{Key: key, Value: value})
	}
	key := func(caller, i int) string { return fmt.Sprintf("native||%d-%d", caller, i%b.Keys) }
	for caller := range b.Callers {
		for i := range b.Keys {
			if err := b.set(ctx, store, state.SetRequest{Key: key(caller, i), Value: value}); err != nil {
				return Measured{}, err
			}
		}
	}
	took := make([][]int64, b.Callers)
	failures := make([]error, b.Callers)
	begin := time.Now()
	end := begin.Add(time.Duration(b.Seconds * float64(time.Second)))
	var all sync.WaitGroup
	for caller := range b.Callers {
		all.Go(func() {
			for i := 0; ; i++ {
				before := time.Now()
				if before.After(end) {
					return
				}
				if failures[caller] = call(key(caller, i)); failures[caller] != nil {
					return
				}
				took[caller] = append(took[caller], int64(time.Since(before)))
			}
		})
	}
	all.Wait()
	elapsed := time.Since(begin)
	for _, err := range failures {
		if err != nil {
			return Measured{}, err
		}
	}
	times := slices.Concat(took...)
	slices.Sort(times)
	return Measured{
		PerSecond: float64(len(times)) / elapsed.Seconds(),
		P50:       times[len(times)/2],
		P99:       times[len(times)*99/100],
	}, nil
}

func (b Bench) set(ctx context.Context, store state.Store, request state.SetRequest) error {
	if multi, ok := store.(state.TransactionalStore); ok && b.InTransaction {
		operations := []state.TransactionalStateOperation{request}
		return multi.Multi(ctx, &state.TransactionalStateRequest{Operations: operations})
	}
	return store.Set(ctx, &request)
}
