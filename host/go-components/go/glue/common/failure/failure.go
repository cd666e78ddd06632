// Package failure says of an error what kind it is: by its type where there is one, then by the code that a database gives,
// and by its text only where there is neither.
package failure

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"regexp"
	"strings"
	"syscall"
)

// Kind is what follows from an error.
type Kind uint8

const (
	// Internal is anything else.
	Internal Kind = iota
	// Denied: the server or the host refuses.
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

// Of says what kind an error is.
func Of(err error) Kind {
	if kind := byState(err); kind != Internal {
		return kind
	}
	said := err.Error()
	if kind := byText(said, before); kind != Internal {
		return kind
	}
	if kind := byType(err); kind != Internal {
		return kind
	}
	return byText(strings.ToLower(said), after)
}

func byType(err error) Kind {
	var name *net.DNSError
	var operation *net.OpError
	var safe interface{ SafeToRetry() bool }
	switch {
	case errors.As(err, &name):
		return NotReached
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM), errors.Is(err, fs.ErrPermission):
		return Denied
	case errors.As(err, &operation) && operation.Op == "dial", isOneOf(err, unreached):
		return NotReached
	case errors.As(err, &safe) && safe.SafeToRetry():
		return NotReached
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), isTimeout(err), isOneOf(err, lost):
		return Lost
	}
	return Internal
}

var unreached = []error{
	syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EMFILE,
}

var lost = []error{
	io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT,
}

func isOneOf(err error, kinds []error) bool {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// States of SQL by what they begin with, the longer ones first. The server has undone what it was at, unless the connection
// was lost (08).
var states = []struct {
	prefix string
	kind   Kind
}{
	{"42501", Denied}, {"28", Denied}, {"25006", Denied},
	{"57P", NotReached}, {"53", NotReached}, {"40", NotReached}, {"55P03", NotReached},
	{"08", Lost}, {"22001", TooLarge}, {"54", TooLarge}, {"22007", Invalid}, {"22008", Invalid}, {"22021", Invalid},
}

// Undone says whether a SQL database has undone what it was asked for since others were at the same: it may be asked again.
// MariaDB says it in another way where the lock is that of a counter.
func Undone(err error) bool {
	return err != nil && (strings.HasPrefix(stateOf(err), "40") || strings.Contains(err.Error(), "Error 1467 "))
}

// stateOf is the state of SQL that an error has: PostgreSQL's has a method, MySQL's says it in its text.
func stateOf(err error) string {
	var sql interface{ SQLState() string }
	if errors.As(err, &sql) {
		return sql.SQLState()
	}
	if found := mysqlState.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	return ""
}

// byState knows an error of a SQL database.
func byState(err error) Kind {
	state := stateOf(err)
	for _, known := range states {
		if state != "" && strings.HasPrefix(state, known.prefix) {
			return known.kind
		}
	}
	return Internal
}

var mysqlState = regexp.MustCompile(`Error \d+ \(([0-9A-Z]{5})\)`)

type text struct {
	part string
	kind Kind
}

// What is said with a type that would make it another kind.
var before = []text{
	{"connection pool timeout", NotReached}, // of Redis's client: it had no connection
	{"NOAUTH", Denied}, {"WRONGPASS", Denied}, {"NOPERM", Denied},
	{"LOADING ", NotReached}, {"CLUSTERDOWN", NotReached}, {"MASTERDOWN", NotReached}, {"READONLY ", NotReached},
	{"OOM command", NotReached}, {"MISCONF", NotReached},
}

// What is said without a type, in small letters: systems begin their errors with one or the other.
var after = []text{
	{"malformed: key is too long or contains invalid characters", Invalid}, // memcached
	{"object too large for cache", TooLarge},
	{"out of memory storing object", NotReached},
	{"connect timeout to", NotReached},
	{"zk: could not connect to a server", NotReached},
	{"zk: authentication failed", Denied}, {"zk: not authenticated", Denied},
	{"zk: invalid path", Invalid},
	{"zk: connection closed", Lost}, {"zk: session has been expired", Lost}, {"zk: zookeeper is closing", Lost},
	{"code = unavailable", Lost}, {"code = deadlineexceeded", Lost}, {"code = canceled", Lost}, // gRPC
	{"code = unauthenticated", Denied}, {"code = permissiondenied", Denied},
	{"message larger than max", TooLarge}, {"request is too large", TooLarge}, {"code = resourceexhausted", NotReached},
	{"connection refused", NotReached}, {"no such host", NotReached},
	{"error 1467 ", NotReached}, // MariaDB's counter
	{"i/o timeout", Lost}, {"connection timed out", Lost}, {"connection reset", Lost}, {"connection aborted", Lost},
	{"is unreachable", NotReached}, {"broken pipe", Lost}, {"unexpected eof", Lost}, {": eof", Lost},
	{"invalid connection", Lost}, {"bad connection", Lost},
}

func byText(said string, texts []text) Kind {
	for _, known := range texts {
		if strings.Contains(said, known.part) {
			return known.kind
		}
	}
	return Internal
}
