package failure

import (
	"errors"
	"strings"
)

// What Redis says before it does anything, by the first word.
var codes = map[string]Kind{
	"NOAUTH": Denied, "WRONGPASS": Denied, "NOPERM": Denied,
	"LOADING": NotReached, "BUSY": NotReached, "CLUSTERDOWN": NotReached, "MASTERDOWN": NotReached, "READONLY": NotReached,
	"OOM": NotReached, "MISCONF": NotReached, "NOREPLICAS": NotReached, "TRYAGAIN": NotReached,
	"EXECABORT": NotReached, // mostly one of these, which the client does not tell: READONLY, MISCONF
	"MOVED":     Refused, "ASK": Refused, "CROSSSLOT": Refused,
}

// What it says to a user whose access list forbids a command of a script, in its versions.
var forbidden = []string{"ACL failure in script", "has no permissions to", "user executing the script can't"}

// What components-contrib's scripts say, with the key behind it.
var scripts = []string{"failed to set key ", "failed to delete "}

// ofRedis knows what Redis says, in either version of its client. A script that failed at its own command may have done the
// ones before, so that what is not listed is unknown.
func ofRedis(err error) (Kind, bool) {
	var redis interface {
		error
		RedisError()
	}
	if !errors.As(err, &redis) {
		return Unknown, false
	}
	said := redis.Error()
	for _, own := range scripts {
		if strings.Contains(said, own) {
			return Refused, true
		}
	}
	// Before version 7 a script's error has the command's own one at its end: `ERR … @user_script: 12: -OOM …`.
	_, inner, nested := cutLast(said, ": -")
	for _, text := range []string{said, inner} {
		code, _, _ := strings.Cut(text, " ")
		if kind, known := codes[code]; known {
			return kind, true
		}
	}
	for _, words := range forbidden {
		if strings.Contains(said, words) {
			return Denied, true
		}
	}
	switch {
	case nested:
		return Unknown, true
	case strings.HasPrefix(said, "ERR max number of clients reached"):
		return NotReached, true
	case strings.HasPrefix(said, "ERR unknown command"):
		return Refused, true
	}
	return Unknown, true
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}
