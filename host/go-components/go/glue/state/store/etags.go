package store

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
)

// A store whose versions are numbers begins again when an item was deleted, and an old etag would match another value. There
// the etag is the version with a hash of the value behind it.

const etagSeparator = "-"

// marked is the etag of a version and its value.
func marked(version string, value []byte) string {
	return version + etagSeparator + strconv.FormatUint(hash(value), 36)
}

// versionOf is the version of an etag that has a hash.
func versionOf(etag string) string {
	version, _, _ := strings.Cut(etag, etagSeparator)
	return version
}

// isUUID knows a UUID as databases write it.
func isUUID(etag string) bool {
	for i := range len(etag) {
		digit := etag[i] >= '0' && etag[i] <= '9' || etag[i] >= 'a' && etag[i] <= 'f'
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (etag[i] == '-') || !dash && !digit {
			return false
		}
	}
	return len(etag) == 36
}

// isNumber knows a number above 0 without a sign or zeros before it.
func isNumber(etag string) bool {
	for i := range len(etag) {
		if etag[i] < '0' || etag[i] > '9' {
			return false
		}
	}
	return etag != "" && etag[0] != '0'
}

// hash is quick and spreads well; nobody gains by making two values that have the same.
func hash(value []byte) uint64 {
	const a, b = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	sum := uint64(len(value)) * a
	for len(value) >= 8 {
		sum = bits.RotateLeft64(sum^binary.LittleEndian.Uint64(value)*a, 29) * b
		value = value[8:]
	}
	var rest [8]byte
	copy(rest[:], value)
	sum = bits.RotateLeft64(sum^binary.LittleEndian.Uint64(rest[:])*a, 29) * b
	return sum ^ sum>>32
}
