package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dapr/components-contrib/state"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	requests "wit_component/dapr_state_provider_requests"
	types "wit_component/dapr_state_provider_types"
)

// What keeps the app's prefix from the key, and parts of the key of actors.
const separator = "||"

func (c *contrib) listKeys(ctx context.Context, listing types.Listing) answer {
	inner, ok := c.inner.(state.KeysLiker)
	if !ok {
		return refuse(types.MakeErrorInternal("the component does not list keys"))
	}
	list := c.traits.inPages
	if c.traits.listsWhole {
		list = c.traits.inOrder
	}
	page, err := list(ctx, inner, listing)
	var number *strconv.NumError
	if listing.Position.IsSome() && (errors.As(err, &number) || err != nil && strings.Contains(err.Error(), "continue token")) {
		return refuse(types.MakeErrorInvalid("the position was not given out"))
	}
	if err != nil {
		return refuse(c.readError(err, listing.Prefix))
	}
	return accept(requests.MakeResponseKeys(page))
}

// pattern matches what begins with the prefix, and may match more.
func (t traits) pattern(prefix string) string {
	if !t.missesHigh {
		return escape.Replace(prefix) + "%"
	}
	// The part of the index is that of what stands before the first wildcard: it has to be followed by a character that is
	// not high in each key that is looked for.
	text, wildcards := prefix, "%"
	for text != "" {
		last, size := utf8.DecodeLastRuneInString(text)
		text, wildcards = text[:len(text)-size], "_"+wildcards
		if last <= 0xffff {
			break
		}
	}
	return escape.Replace(text) + wildcards
}

var escape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// own says whether a key that a pattern has found is one of this listing: stores compare as they like, and keys with another
// separator are not the app's.
func own(key, prefix string) bool {
	if !strings.HasPrefix(key, prefix) {
		return false
	}
	_, behind, found := strings.Cut(key, separator)
	if _, _, prefixed := strings.Cut(prefix, separator); !prefixed {
		return !found
	}
	return !strings.Contains(behind, separator)
}

func (t traits) inPages(ctx context.Context, inner state.KeysLiker, listing types.Listing) (types.Page, error) {
	request := state.KeysLikeRequest{Pattern: t.pattern(listing.Prefix), PageSize: &listing.Limit}
	if listing.Position.IsSome() {
		position := listing.Position.Some()
		request.ContinuationToken = &position
	}
	found, err := inner.KeysLike(ctx, &request)
	if err != nil {
		return types.Page{}, err
	}
	page := types.Page{Next: witTypes.None[string]()}
	for _, key := range found.Keys {
		if own(key, listing.Prefix) {
			page.Keys = append(page.Keys, key)
		}
	}
	if token := found.ContinuationToken; token != nil && *token != "" {
		page.Next = witTypes.Some(*token)
	}
	return page, nil
}

// inOrder is for stores that read all keys for each page and count them: a key that others remove would make them leave one
// out. Here the position is the last key.
func (t traits) inOrder(ctx context.Context, inner state.KeysLiker, listing types.Listing) (types.Page, error) {
	found, err := inner.KeysLike(ctx, &state.KeysLikeRequest{Pattern: t.pattern(listing.Prefix)})
	if err != nil {
		return types.Page{}, err
	}
	after := listing.Position.SomeOr("")
	keys := make([]string, 0, len(found.Keys))
	for _, key := range found.Keys {
		if key > after && own(key, listing.Prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	page := types.Page{Keys: keys, Next: witTypes.None[string]()}
	if limit := int(listing.Limit); len(keys) > limit {
		page.Keys = keys[:limit]
		page.Next = witTypes.Some(keys[limit-1])
	}
	return page, nil
}
