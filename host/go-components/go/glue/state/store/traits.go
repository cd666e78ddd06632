package store

import (
	"github.com/dapr/components-contrib/state"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	types "wit_component/dapr_state_provider_types"
	"wit_component/failure"
)

// traits is what components-contrib does not say of a store, and where it is not as the host has it.
type traits struct {
	// What is stored lies in the instance.
	local bool
	// Features that are withheld, each for the reason beside it.
	withheld []state.Feature
	// Settings where the configuration says nothing.
	defaults []setting
	// Conditions are checked here before the store checks them: it takes an etag on an absent item, or knows an ended item.
	readsFirst bool
	// The same for deletes alone.
	readsBeforeDelete bool
	// Versions begin again when an item was deleted: etags.go.
	marksEtags bool
	// An etag that no item ever has. With it the store creates and does not replace; its own way to say so has a consequence
	// that the host does not want, or is none. Empty: its own way.
	neverEtag string
	// What an etag looks like, where the store takes what looks otherwise for the same one. Nil: it compares them whole.
	etagForm func(string) bool
	// The concurrency that goes with an etag.
	withEtag string
	// A set without condition is a transaction of one operation: TTL and value in one, and in one round trip.
	setsInTransaction bool
	// The TTL that clears an earlier one. Empty: to say none does.
	noTTL string
	// Seconds that are added to a TTL, where the store counts whole ones from the one before.
	moreTTL uint64
	// An end that is past already is none: the store writes one for each item.
	pastEndIsNone bool
	// BulkGet is one request, or all are local.
	bulkGet bool
	// Items of a bulk call that are under way at the same time. 0: atOnce.
	atOnce int
	// Listing reads all keys for each page.
	listsWhole bool
	// A pattern does not find keys in which a character above U+FFFF follows the prefix: the server looks for them in a part of
	// its index that ends before.
	missesHigh bool
	// What the cause of a mismatch says, one of them, where other failures are called mismatches, too. Empty: none are.
	mismatchSays []string
	// Knows the failure to create where the item exists, if that is not called a mismatch. Nil: it is.
	exists func(error) bool
	// An ended item keeps another from being created until it is removed, which happens soon.
	endedStays bool
	// How the failure of a read begins that hides another one.
	hidesBehind string
	// How the failure of a write begins when the value is written already, with %s for the key.
	saysWritten []string
	// Its client does not look at contexts.
	ignoresContext bool
	// Runes that it cannot have in a key. Nil: it can have all.
	unfit func(rune) bool
	// A key is a name in a path.
	inPath bool
	// Most bytes of a key without the app's prefix, and of a value. 0: the host's.
	key, value uint32
	// How many operations fewer than it says a transaction may have.
	fewerOperations int
	// Log records that begin so tell nothing here.
	mutes []string
}

// setting is one of a component, under the first of its names.
type setting struct {
	names []string
	value string
}

func traitsOf(kind, version string) traits {
	switch kind {
	case "state.in-memory":
		// It removes ended items once a second, and sees them until then where it checks conditions.
		return traits{local: true, withEtag: state.FirstWrite, readsFirst: true, bulkGet: true, listsWhole: true}
	case "state.redis":
		return traits{
			// A failing condition leaves the other operations done.
			withheld: []state.Feature{state.FeatureTransactional},
			// Its client would send a write again whose answer was lost. By etag, that is a mismatch, though the first was done.
			defaults:   []setting{{[]string{"redisMaxRetries", "maxRetries"}, "-1"}},
			readsFirst: true,
			marksEtags: true,
			// Dapr's first-write would demand an etag of every later write.
			neverEtag:         "-1",
			setsInTransaction: true,
			noTTL:             "-1",
			listsWhole:        true,
			mismatchSays:      []string{"failed to set key", "failed to delete"},
			// Whatever fails, it then looks for a string in place of the hash.
			hidesBehind: "WRONGTYPE",
			// Behind the script come a TTL, or none, and replicas.
			saysWritten: []string{"failed to set key %s ttl: ", "failed to persist key %s: ", "redis waiting for "},
			mutes:       []string{"Redis does not support transaction rollbacks"},
		}
	case "state.postgresql", "state.cockroachdb":
		form := isNumber
		if kind == "state.postgresql" && version == "v2" {
			form = isUUID // which it parses, and would take in capitals or quotes, too
		}
		return traits{
			withEtag: state.FirstWrite, etagForm: form, readsBeforeDelete: true, bulkGet: true,
			exists: updatedNone,
		}
	case "state.mysql":
		return traits{
			withEtag: state.FirstWrite, etagForm: isUUID, readsBeforeDelete: true, bulkGet: true,
			defaults: []setting{{[]string{"cleanupInterval"}, "1s"}},
			exists:   failure.IsDuplicate, endedStays: true, missesHigh: true,
			// The second is said of what the server has undone already.
			mutes:   []string{"possible etag mismatch", "Error while attempting to roll back"},
			moreTTL: 1,
			atOnce:  2,   // Go keeps so many connections that have nothing to do; more would be made for an item each
			key:     200, // the column has 255 characters, and the app's prefix goes there, too
		}
	case "state.memcached":
		return traits{
			moreTTL: 1, ignoresContext: true, unfit: unfitForMemcached,
			key: 180, value: 1_000_000, // 250 bytes with the app's prefix; a MiB with the key and a header
		}
	case "state.etcd":
		return traits{
			// It does not look whether its compare-and-swap was done: an update that was lost would be answered as done. And a
			// lease lasts two seconds at least and ends late, and an item that has ended is read until then.
			withheld:      []state.Feature{state.FeatureETag, state.FeatureTTL},
			pastEndIsNone: version == "v2",
			// A request has 1.5 MiB.
			value: 1_500_000,
			// Each operation is a transaction in the transaction, and these are counted, too.
			fewerOperations: 1,
		}
	case "state.zookeeper":
		return traits{
			// Without one all paths are wrong.
			defaults:   []setting{{[]string{"keyPrefixPath"}, "/"}},
			readsFirst: true, marksEtags: true, neverEtag: "2147483647", withEtag: state.FirstWrite,
			mismatchSays: []string{"version conflict", "already exists"}, ignoresContext: true,
			unfit: unfitForZookeeper, inPath: true, value: 1_000_000,
		}
	case "state.sqlserver", "state.oracledatabase":
		return traits{withEtag: state.FirstWrite, readsFirst: true, exists: updatedNone}
	}
	return traits{withEtag: state.FirstWrite, readsFirst: true}
}

// updatedNone is what SQL stores say of an item that is there.
func updatedNone(err error) bool { return failure.Says(err, "no item was updated") }

// declaration is what the host may ask for.
func (c *contrib) declaration() types.Declaration {
	none := witTypes.None[uint32]()
	declared := types.Declaration{
		Instances: types.Instances_Several,
		Limits:    types.Limits{Key: some(c.traits.key), Value: some(c.traits.value), Items: none, Operations: none, Batch: none},
	}
	if c.traits.local {
		declared.Instances = types.Instances_One
	}
	if c.offers(state.FeatureETag) {
		declared.Features |= types.Features_Etags
	}
	if c.offers(state.FeatureTTL) {
		declared.Features |= types.Features_Ttl
	}
	if _, able := c.inner.(state.TransactionalStore); able && c.offers(state.FeatureTransactional) {
		declared.Features |= types.Features_Transactions
		if limited, ok := c.inner.(state.TransactionalStoreMultiMaxSize); ok && limited.MultiMaxSize() > c.traits.fewerOperations {
			declared.Limits.Operations = some(uint32(limited.MultiMaxSize() - c.traits.fewerOperations))
		}
	}
	if _, able := c.inner.(state.KeysLiker); able && c.offers(state.FeatureKeysLike) {
		declared.Features |= types.Features_Listing
	}
	return declared
}

func some(limit uint32) witTypes.Option[uint32] {
	if limit == 0 {
		return witTypes.None[uint32]()
	}
	return witTypes.Some(limit)
}

func (c *contrib) offers(feature state.Feature) bool {
	return has(c.features, feature) && !has(c.traits.withheld, feature)
}
