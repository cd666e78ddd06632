package failure

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors of drivers that are values, by all that they say.
var sentinels = map[string]Kind{
	// Redis
	"redis: connection pool timeout":   NotReached,
	"redis: connection pool exhausted": NotReached,
	"redis: client is closed":          NotReached,
	// memcached
	"memcache: no servers configured or available":              NotReached,
	"malformed: key is too long or contains invalid characters": Invalid,
	// ZooKeeper
	"zk: could not connect to a server":                            NotReached,
	"zk: node already exists":                                      NotReached, // others were at the same
	"zk: version conflict":                                         NotReached,
	"zk: session moved to another server, so operation is ignored": NotReached,
	"zk: connection closed":                                        Lost,
	"zk: session has been expired by the server":                   Lost,
	"zk: zookeeper is closing":                                     Lost,
	"zk: client authentication failed":                             Denied,
	"zk: not authenticated":                                        Denied,
	"zk: invalid path":                                             Invalid,
	"zk: node does not exist":                                      Refused,
	"zk: node has children":                                        Refused,
	"zk: invalid ACL specified":                                    Refused,
	"zk: ephemeral nodes may not have children":                    Refused,
	// MySQL
	"invalid connection":     Lost,
	"bad connection":         Lost,
	"driver: bad connection": Lost,
	"packet for query is too large. Try adjusting the `Config.MaxAllowedPacket`": TooLarge,
}

// ofSentinel knows errors that are values of their drivers.
func ofSentinel(err error) (kind Kind, known bool) {
	cause(err, func(said string) bool {
		kind, known = sentinels[said]
		return known
	})
	return kind, known
}

// Parts of what is said without a type, in small letters: systems begin their errors with one or the other.
var parts = []struct {
	part string
	kind Kind
}{
	{"object too large for cache", TooLarge}, // memcached
	{"out of memory storing object", NotReached},
	{"connect timeout to", NotReached},
	{"code = unavailable", Lost}, {"code = deadlineexceeded", Lost}, {"code = canceled", Lost}, // gRPC
	{"code = unauthenticated", Denied}, {"code = permissiondenied", Denied},
	{"message larger than max", TooLarge}, {"request is too large", TooLarge}, {"code = resourceexhausted", NotReached},
	{": permission denied", Denied},
	{"dial tcp", NotReached}, {"connection refused", NotReached}, {"no such host", NotReached},
	{"i/o timeout", Lost}, {"connection timed out", Lost}, {"connection reset", Lost}, {"connection aborted", Lost},
	{"is unreachable", NotReached}, {"broken pipe", Lost}, {"unexpected eof", Lost}, {": eof", Lost},
}

// ofText knows an error by what it says, but for words that others chose.
func ofText(err error, words []string) (kind Kind) {
	cause(err, func(said string) bool {
		said = without(said, words)
		known := false
		if kind, known = sentinels[said]; known {
			return true
		}
		if said == "EOF" {
			kind = Lost
			return true
		}
		said = strings.ToLower(said)
		for _, text := range parts {
			if strings.Contains(said, text.part) {
				kind = text.kind
				return true
			}
		}
		return false
	})
	return kind
}

// without is what a text says behind `WORD: `, where it names a key and then the cause; else all of it, with a word that has no
// meaning in place of each.
func without(said string, words []string) string {
	for _, word := range words {
		if word == "" {
			continue
		}
		quoted := strconv.Quote(word)
		quoted = quoted[1 : len(quoted)-1]
		if _, behind, found := strings.Cut(said, word+": "); found {
			return behind
		}
		if _, behind, found := strings.Cut(said, quoted+`": `); found {
			return behind
		}
		said = replaced(replaced(said, word), quoted)
	}
	return said
}

// replaced has a word that has no meaning in place of each that is this one, and leaves what it is only a part of: else a short
// key would take the meaning from all that is said.
func replaced(said, word string) string {
	first, _ := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	var kept strings.Builder
	for from := 0; ; {
		at := strings.Index(said[from:], word)
		if at < 0 {
			kept.WriteString(said[from:])
			return kept.String()
		}
		begin, end := from+at, from+at+len(word)
		before, _ := utf8.DecodeLastRuneInString(said[:begin])
		after, _ := utf8.DecodeRuneInString(said[end:])
		if isOfWords(before) && isOfWords(first) || isOfWords(last) && isOfWords(after) {
			kept.WriteString(said[from:end])
		} else {
			kept.WriteString(said[from:begin] + "…")
		}
		from = end
	}
}

func isOfWords(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
