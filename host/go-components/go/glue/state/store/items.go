package store

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/dapr/components-contrib/state"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	types "wit_component/dapr_state_provider_types"
	hosttypes "wit_component/dapr_state_types"
)

// What components-contrib takes and gives as metadata, and the host in fields of their own.
const (
	ttlName     = "ttlInSeconds"
	expiresName = state.GetRespMetaKeyTTLExpireTime
)

type pair = witTypes.Tuple2[string, string]

// pairs is metadata as components-contrib has it, with room for more.
func pairs(metadata []pair, more int) map[string]string {
	if len(metadata)+more == 0 {
		return nil
	}
	all := make(map[string]string, len(metadata)+more)
	for _, p := range metadata {
		all[p.F0] = p.F1
	}
	return all
}

func consistency(wanted witTypes.Option[hosttypes.Consistency]) string {
	switch {
	case wanted.IsNone():
		return ""
	case wanted.Some() == hosttypes.Consistency_Strong:
		return state.Strong
	default:
		return state.Eventual
	}
}

func (c *contrib) getRequest(key string, options hosttypes.GetOptions) *state.GetRequest {
	return &state.GetRequest{
		Key:      c.traits.spelled(key),
		Metadata: pairs(options.Metadata, 0),
		Options:  state.GetStateOption{Consistency: consistency(options.Consistency)},
	}
}

func (c *contrib) setRequest(item types.SetItem) state.SetRequest {
	value := item.Value
	if value == nil {
		value = []byte{} // empty, and not none
	}
	request := state.SetRequest{
		Key:      c.traits.spelled(item.Key),
		Value:    value,
		Metadata: pairs(item.Metadata, 1),
		Options:  state.SetStateOption{Consistency: consistency(item.Consistency)},
	}
	if item.Ttl.IsSome() {
		seconds := min(uint64(item.Ttl.Some())+c.traits.moreTTL, math.MaxInt32)
		request.Metadata[ttlName] = strconv.FormatUint(seconds, 10)
	} else if c.traits.noTTL != "" {
		request.Metadata[ttlName] = c.traits.noTTL
	}
	switch item.Condition.Tag() {
	case hosttypes.Condition_Absent:
		if never := c.traits.neverEtag; never != "" {
			request.ETag = &never
		} else {
			request.Options.Concurrency = state.FirstWrite
		}
	case hosttypes.Condition_Matches:
		etag := c.version(item.Condition.Matches())
		request.ETag = &etag
		request.Options.Concurrency = c.traits.withEtag
	}
	return request
}

func (c *contrib) deleteRequest(item types.DeleteItem) state.DeleteRequest {
	request := state.DeleteRequest{
		Key:      c.traits.spelled(item.Key),
		Metadata: pairs(item.Metadata, 0),
		Options:  state.DeleteStateOption{Consistency: consistency(item.Consistency)},
	}
	if item.Etag.IsSome() {
		etag := c.version(item.Etag.Some())
		request.ETag = &etag
		request.Options.Concurrency = state.FirstWrite
	}
	return request
}

// isAbsent knows an absent item: one with neither a value nor an etag. An empty value is not nil.
func isAbsent(found *state.GetResponse) bool {
	return found == nil || found.Data == nil && (found.ETag == nil || *found.ETag == "")
}

type option = witTypes.Option[hosttypes.Entry]

// version is the etag as the store has it.
func (c *contrib) version(etag string) string {
	if c.traits.marksEtags {
		return versionOf(etag)
	}
	return etag
}

// entry is what the host gets of what the store has.
func (c *contrib) entry(found *state.GetResponse) (option, error) {
	if isAbsent(found) {
		return witTypes.None[hosttypes.Entry](), nil
	}
	entry := hosttypes.Entry{
		Value:       found.Data,
		Etag:        witTypes.None[string](),
		ContentType: witTypes.None[string](),
		ExpiresAt:   witTypes.None[uint64](),
	}
	if found.ETag != nil && *found.ETag != "" && c.offers(state.FeatureETag) {
		etag := *found.ETag
		if c.traits.marksEtags {
			etag = marked(etag, found.Data)
		}
		entry.Etag = witTypes.Some(etag)
	}
	for name, value := range found.Metadata {
		if name != expiresName {
			entry.Metadata = append(entry.Metadata, pair{F0: name, F1: value})
			continue
		}
		end, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return option{}, fmt.Errorf("the end of an item is no time: %w", err)
		}
		if !c.traits.pastEndIsNone || end.After(time.Now()) {
			entry.ExpiresAt = witTypes.Some(uint64(end.Unix()))
		}
	}
	return witTypes.Some(entry), nil
}

// size of what an answer has of an entry, as the host counts it.
func size(entry option) int {
	if entry.IsNone() {
		return 0
	}
	some := entry.Some()
	bytes := len(some.Value) + len(some.Etag.SomeOr(""))
	for _, p := range some.Metadata {
		bytes += len(p.F0) + len(p.F1)
	}
	return bytes
}
