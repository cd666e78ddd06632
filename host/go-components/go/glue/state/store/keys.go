package store

import (
	"strings"
	"unicode/utf8"
)

// A store that cannot have every key gets those in another spelling: what it cannot have is written as %XX for each byte. A
// key that it can have is spelled as daprd spells it, unless it reads like such a spelling; then its % is written so, too.

const hexDigits = "0123456789ABCDEF"

// spelled is the key as the store gets it.
func (t traits) spelled(key string) string {
	if t.unfit == nil || !t.needsSpelling(key) {
		return key
	}
	leads := t.inPath && leadsElsewhere(key)
	var text strings.Builder
	for i, r := range key {
		size := utf8.RuneLen(r)
		if leads || t.unfit(r) || r == '%' && isSpelling(key[i:]) {
			for _, b := range []byte(key[i : i+size]) {
				text.WriteByte('%')
				text.WriteByte(hexDigits[b>>4])
				text.WriteByte(hexDigits[b&15])
			}
		} else {
			text.WriteString(key[i : i+size])
		}
	}
	return text.String()
}

func (t traits) needsSpelling(key string) bool {
	for i, r := range key {
		if t.unfit(r) || r == '%' && isSpelling(key[i:]) {
			return true
		}
	}
	return t.inPath && leadsElsewhere(key)
}

// leadsElsewhere knows what is no name in a path.
func leadsElsewhere(key string) bool { return key == "." || key == ".." }

// isSpelling says whether a text begins with % and two digits.
func isSpelling(text string) bool {
	return len(text) >= 3 && strings.IndexByte(hexDigits, text[1]) >= 0 && strings.IndexByte(hexDigits, text[2]) >= 0
}

// Memcached's keys are one word.
func unfitForMemcached(r rune) bool { return r <= ' ' || r == 0x7f }

// ZooKeeper's keys are parts of paths, of which it takes no characters that Java has as two.
func unfitForZookeeper(r rune) bool {
	return r == '/' || r < ' ' || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
}
