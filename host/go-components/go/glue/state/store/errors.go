package store

import (
	"errors"
	"slices"
	"strings"

	"github.com/dapr/components-contrib/state"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	types "wit_component/dapr_state_provider_types"
	"wit_component/failure"
	"wit_component/logs"
)

// What an app hears. What the component or its server said goes into the log: it may name servers, users and databases.
const (
	saysDenied     = "this host may not do that there"
	saysNotReached = "its server cannot be reached, or takes nothing now"
	saysLost       = "the connection broke, or there was no answer in time"
	saysTooLarge   = "it is larger than the store takes"
	saysInvalid    = "the store cannot have such a key, value or TTL"
	saysUnknown    = "the store does not say what was done"
)

// notDone is a failure before a write: nothing was written.
type notDone struct{ error }

func (e notDone) Unwrap() error { return e.error }

var errNoTransactions = notDone{errors.New("the component has no transactions")}

// openError is why the store does not open, for the one who has set it up. What is no matter of the server is one of its
// settings.
func openError(err error) types.Error {
	switch said := err.Error(); failure.Of(err) {
	case failure.Denied:
		return types.MakeErrorDenied(said)
	case failure.NotReached, failure.Lost:
		return types.MakeErrorUnavailable(said)
	case failure.TooLarge:
		return types.MakeErrorTooLarge(said)
	default:
		return types.MakeErrorInvalid(said)
	}
}

// readError is why these keys were not read.
func (c *contrib) readError(err error, keys ...string) types.Error {
	kind := failure.Of(err, c.spelledAll(keys)...)
	switch kind {
	case failure.Lost:
		return logged(types.MakeErrorUnavailable(saysLost), err)
	case failure.Unknown:
		return types.MakeErrorInternal(err.Error())
	default:
		return notWritten(kind, err)
	}
}

// writeError is why these keys were not written, or may not have been. Once the component was asked to write, only its or the
// server's own word that nothing was done is believed.
func (c *contrib) writeError(err error, keys ...string) types.Error {
	var before notDone
	if errors.As(err, &before) {
		return c.readError(before.error, keys...)
	}
	if mismatch, ok := c.asMismatch(err); ok {
		return mismatch
	}
	keys = c.spelledAll(keys)
	kind := failure.Of(err, keys...)
	switch {
	case c.traits.wasWritten(err, keys):
		return logged(types.MakeErrorOutcomeUnknown(saysUnknown), err)
	case kind == failure.Lost:
		return logged(types.MakeErrorOutcomeUnknown(saysLost), err)
	case kind == failure.Unknown && !c.traits.local:
		return logged(types.MakeErrorOutcomeUnknown(saysUnknown), err)
	default:
		return notWritten(kind, err)
	}
}

// notWritten gives an error of a kind by which nothing was written.
func notWritten(kind failure.Kind, err error) types.Error {
	switch kind {
	case failure.Denied:
		return logged(types.MakeErrorDenied(saysDenied), err)
	case failure.NotReached:
		return logged(types.MakeErrorUnavailable(saysNotReached), err)
	case failure.TooLarge:
		return noted(types.MakeErrorTooLarge(saysTooLarge), err)
	case failure.Invalid:
		return noted(types.MakeErrorInvalid(saysInvalid), err)
	default: // whose text the host logs, and no app sees
		return types.MakeErrorInternal(err.Error())
	}
}

// logged is what an app hears of a failure that is logged.
func logged(heard types.Error, err error) types.Error {
	logs.Warnf("a call failed: %v", err)
	return heard
}

// noted is the same of what is the app's own fault, which the operator need not hear of.
func noted(heard types.Error, err error) types.Error {
	logs.Debugf("a call is refused: %v", err)
	return heard
}

// spelledAll are keys as the component gets them.
func (c *contrib) spelledAll(keys []string) []string {
	spelled := make([]string, len(keys))
	for i, key := range keys {
		spelled[i] = c.traits.spelled(key)
	}
	return spelled
}

// wasWritten knows the failure of what the store does once a value is written.
func (t traits) wasWritten(err error, keys []string) bool {
	for _, beginning := range t.saysWritten {
		for _, key := range keys {
			if strings.HasPrefix(err.Error(), strings.ReplaceAll(beginning, "%s", key)) {
				return true
			}
		}
	}
	return false
}

// asMismatch knows an etag that is not the item's, one that the store cannot parse included. It does not believe every one:
// some components call each failure of a write with an etag a mismatch.
func (c *contrib) asMismatch(err error) (types.Error, bool) {
	var etag *state.ETagError
	if !errors.As(err, &etag) {
		return types.Error{}, false
	}
	says := c.traits.mismatchSays
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
