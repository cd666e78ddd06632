package store

import (
	"errors"
	"slices"
	"strings"

	"github.com/dapr/components-contrib/state"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	types "wit_component/dapr_state_provider_types"
	"wit_component/failure"
	"wit_component/source"
)

var errNoTransactions = errors.New("the component has no transactions")

// notDone is a failure before a write: nothing was written.
type notDone struct{ error }

func (e notDone) Unwrap() error { return e.error }

// plain gives an error by its kind, where nothing can have been written; none for what has no kind.
func plain(kind failure.Kind, err error) (types.Error, bool) {
	switch kind {
	case failure.Denied:
		return types.MakeErrorDenied(err.Error()), true
	case failure.NotReached, failure.Lost:
		return types.MakeErrorUnavailable(err.Error()), true
	case failure.TooLarge:
		return types.MakeErrorTooLarge(err.Error()), true
	case failure.Invalid:
		return types.MakeErrorInvalid(err.Error()), true
	default:
		return types.Error{}, false
	}
}

// openError is why the store does not open. What is no matter of the server is one of its settings.
func openError(err error) types.Error {
	if known, ok := plain(failure.Of(err), err); ok {
		return known
	}
	return types.MakeErrorInvalid(err.Error())
}

func readError(err error) types.Error {
	if known, ok := plain(failure.Of(err), err); ok {
		return known
	}
	return types.MakeErrorInternal(err.Error())
}

// writeError does not believe every mismatch: some components call each failure of a write with an etag one.
func writeError(err error) types.Error {
	var before notDone
	if errors.As(err, &before) {
		return readError(before.error)
	}
	if mismatch, ok := asMismatch(err); ok {
		return mismatch
	}
	kind := failure.Of(err)
	if kind == failure.Lost {
		return types.MakeErrorOutcomeUnknown(err.Error())
	}
	if known, ok := plain(kind, err); ok {
		return known
	}
	return types.MakeErrorInternal(err.Error())
}

// asMismatch knows an etag that is not the item's, one that the store cannot parse included.
func asMismatch(err error) (types.Error, bool) {
	var etag *state.ETagError
	if !errors.As(err, &etag) {
		return types.Error{}, false
	}
	says := traitsOf(source.Type, source.Version).mismatchSays
	if cause := errors.Unwrap(etag); etag.Kind() == state.ETagMismatch && cause != nil && len(says) > 0 {
		mismatch := func(said string) bool { return strings.Contains(cause.Error(), said) }
		if !slices.ContainsFunc(says, mismatch) {
			return types.Error{}, false
		}
	}
	key := witTypes.None[string]()
	var item state.BulkStoreError
	if errors.As(err, &item) {
		key = witTypes.Some(item.Key())
	}
	return types.MakeErrorEtagMismatch(key), true
}
