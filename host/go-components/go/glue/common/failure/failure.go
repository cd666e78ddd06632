// Package failure says of an error what kind it is: by its type where there is one, then by the code that a server gives, and
// by its text only where there is neither. A text may hold what others chose, such as an app's key, so that it is looked at
// last, in the error that is wrapped most deeply, and without those words.
//
// Drivers are not imported: a component has one of them. Their types are known by methods and fields.
package failure

import "strings"

// Kind is what follows from an error.
type Kind uint8

const (
	// Unknown is anything else: nobody says what has been done.
	Unknown Kind = iota
	// Refused: nothing has been done, for another reason than those below.
	Refused
	// Denied: the server or the host refuses, and has done nothing.
	Denied
	// NotReached: nothing has been done, and the server or the way to it is at fault. Later it may be done.
	NotReached
	// Lost: the time is over or the connection broke, and the server may have done what was asked for.
	Lost
	// TooLarge: the server does not take as much.
	TooLarge
	// Invalid: the server does not take such a thing.
	Invalid
)

// Of says what kind an error is. The words are those in it that others chose: the keys that it is about.
func Of(err error, words ...string) Kind {
	for _, of := range []func(error) (Kind, bool){ofSQL, ofRedis, ofGRPC, ofHTTP, ofSentinel, ofSystem} {
		if kind, ok := of(err); ok {
			return kind
		}
	}
	return ofText(err, words)
}

// walk goes from an error to those that it wraps, until one is what is looked for.
func walk(err error, is func(error) bool) bool {
	if err == nil {
		return false
	}
	if is(err) {
		return true
	}
	for _, inner := range wrapped(err) {
		if walk(inner, is) {
			return true
		}
	}
	return false
}

func wrapped(err error) []error {
	switch outer := err.(type) {
	case interface{ Unwrap() error }:
		if inner := outer.Unwrap(); inner != nil {
			return []error{inner}
		}
		return nil
	case interface{ Unwrap() []error }:
		return outer.Unwrap()
	default:
		return nil
	}
}

// cause looks at the texts of the errors that wrap none.
func cause(err error, is func(said string) bool) bool {
	return walk(err, func(err error) bool { return len(wrapped(err)) == 0 && is(err.Error()) })
}

// Says knows an error that says this and nothing else, however it is wrapped.
func Says(err error, text string) bool {
	return cause(err, func(said string) bool { return said == text })
}

// Begins knows an error whose text begins so, however it is wrapped.
func Begins(err error, text string) bool {
	return cause(err, func(said string) bool { return strings.HasPrefix(said, text) })
}
