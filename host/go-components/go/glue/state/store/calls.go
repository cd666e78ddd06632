package store

import (
	"context"

	"github.com/dapr/components-contrib/state"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	requests "wit_component/dapr_state_provider_requests"
	types "wit_component/dapr_state_provider_types"
	hosttypes "wit_component/dapr_state_types"
	"wit_component/failure"
)

type answer = witTypes.Result[requests.Response, types.Error]

func accept(response requests.Response) answer {
	return witTypes.Ok[requests.Response, types.Error](response)
}

func refuse(err types.Error) answer { return witTypes.Err[requests.Response, types.Error](err) }

// written is the answer to a write of these keys.
func (c *contrib) written(err error, keys ...string) answer {
	if err != nil {
		return refuse(c.writeError(err, keys...))
	}
	return accept(requests.MakeResponseDone())
}

// do is one call, in a goroutine of its own.
func (c *contrib) do(ctx context.Context, call requests.Call) answer {
	switch call.Tag() {
	case requests.Call_Get:
		return c.get(ctx, call.Get())
	case requests.Call_BulkGet:
		return c.bulkGet(ctx, call.BulkGet())
	case requests.Call_Set:
		return c.written(c.set(ctx, call.Set()), call.Set().Key)
	case requests.Call_BulkSet:
		return c.bulkSet(ctx, call.BulkSet())
	case requests.Call_Delete:
		return c.written(c.delete(ctx, call.Delete()), call.Delete().Key)
	case requests.Call_BulkDelete:
		return c.bulkDelete(ctx, call.BulkDelete())
	case requests.Call_Transact:
		return c.written(c.transact(ctx, call.Transact()), keysOf(call.Transact().Operations)...)
	default:
		return c.listKeys(ctx, call.ListKeys())
	}
}

func (c *contrib) get(ctx context.Context, request requests.GetRequest) answer {
	found, err := c.read(ctx, c.getRequest(request.Key, request.Options))
	if err != nil {
		return refuse(c.readError(err, request.Key))
	}
	entry, err := c.entry(found)
	if err != nil {
		return refuse(c.readError(err, request.Key))
	}
	return accept(requests.MakeResponseEntry(entry))
}

// read reads once more where the store does not say why it failed.
func (c *contrib) read(ctx context.Context, request *state.GetRequest) (*state.GetResponse, error) {
	found, err := c.inner.Get(ctx, request)
	if hidden := c.traits.hidesBehind; hidden != "" && failure.Begins(err, hidden) {
		return c.inner.Get(ctx, request)
	}
	return found, err
}

func (c *contrib) set(ctx context.Context, item types.SetItem) error {
	request := c.setRequest(item)
	if err := c.check(ctx, item.Key, item.Condition, c.traits.readsFirst); err != nil {
		return err
	}
	return c.write(ctx, item.Condition, func() error {
		multi, ok := c.inner.(state.TransactionalStore)
		isPlain := item.Condition.Tag() == hosttypes.Condition_Any && request.Options.Consistency != state.Strong
		if ok && c.traits.setsInTransaction && isPlain {
			operations := []state.TransactionalStateOperation{request}
			return multi.Multi(ctx, &state.TransactionalStateRequest{Operations: operations})
		}
		return c.inner.Set(ctx, &request)
	})
}

func (c *contrib) delete(ctx context.Context, item types.DeleteItem) error {
	request := c.deleteRequest(item)
	if err := c.checkDelete(ctx, item); err != nil {
		return err
	}
	return c.write(ctx, hosttypes.MakeConditionAny(), func() error { return c.inner.Delete(ctx, &request) })
}

func (c *contrib) transact(ctx context.Context, request requests.TransactRequest) error {
	inner, ok := c.inner.(state.TransactionalStore)
	if !ok {
		return errNoTransactions
	}
	operations := make([]state.TransactionalStateOperation, len(request.Operations))
	creates := hosttypes.MakeConditionAny()
	for i, operation := range request.Operations {
		if operation.Tag() == types.Operation_Delete {
			item := operation.Delete()
			operations[i] = c.deleteRequest(item)
			continue
		}
		item := operation.Set()
		if item.Condition.Tag() == hosttypes.Condition_Absent {
			creates = item.Condition
		}
		operations[i] = c.setRequest(item)
	}
	for _, operation := range request.Operations {
		if err := c.checkOperation(ctx, operation); err != nil {
			return err
		}
	}
	metadata := pairs(request.Metadata, 0)
	return c.write(ctx, creates, func() error {
		return inner.Multi(ctx, &state.TransactionalStateRequest{Operations: operations, Metadata: metadata})
	})
}

func keysOf(operations []types.Operation) []string {
	keys := make([]string, len(operations))
	for i, operation := range operations {
		if operation.Tag() == types.Operation_Delete {
			keys[i] = operation.Delete().Key
		} else {
			keys[i] = operation.Set().Key
		}
	}
	return keys
}

func (c *contrib) checkOperation(ctx context.Context, operation types.Operation) error {
	if operation.Tag() == types.Operation_Delete {
		return c.checkDelete(ctx, operation.Delete())
	}
	item := operation.Set()
	return c.check(ctx, item.Key, item.Condition, c.traits.readsFirst)
}

func (c *contrib) checkDelete(ctx context.Context, item types.DeleteItem) error {
	if item.Etag.IsNone() {
		return nil
	}
	condition := hosttypes.MakeConditionMatches(item.Etag.Some())
	return c.check(ctx, item.Key, condition, c.traits.readsFirst || c.traits.readsBeforeDelete)
}

// check refuses an etag that the store would take for another one. A store that does not hold conditions as the host has them
// is asked before, too, whether the condition holds now. The store's own check follows, so that of several writers one wins.
func (c *contrib) check(ctx context.Context, key string, condition hosttypes.Condition, reads bool) error {
	if form := c.traits.etagForm; form != nil && condition.Tag() == hosttypes.Condition_Matches && !form(condition.Matches()) {
		return state.NewETagError(state.ETagMismatch, nil)
	}
	if condition.Tag() == hosttypes.Condition_Any || !reads {
		return nil
	}
	request := state.GetRequest{Key: c.traits.spelled(key), Options: state.GetStateOption{Consistency: state.Strong}}
	found, err := c.read(ctx, &request)
	if err != nil {
		return notDone{err}
	}
	entry, err := c.entry(found)
	if err != nil {
		return notDone{err}
	}
	holds := entry.IsNone()
	if condition.Tag() == hosttypes.Condition_Matches {
		holds = entry.IsSome() && entry.Some().Etag.SomeOr("") == condition.Matches()
	}
	if !holds {
		return state.NewETagError(state.ETagMismatch, nil)
	}
	return nil
}
