package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/dapr/components-contrib/state"

	types "wit_component/dapr_state_provider_types"
	log "wit_component/wasi_logging_logging"
)

// An error with what no app is to see: a server, a user, a database.
var dialed = fmt.Errorf("failed to connect to `user=alice database=orders`: %w", &net.OpError{
	Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 5432}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
})

var hidden = []string{"alice", "orders", "10.0.0.7", "5432", "tcp"}

func of(kind string) *contrib { return &contrib{traits: traitsOf(kind, "v1")} }

// heard is the case of an error and its text, for which internal has none: the host's log has it.
func heard(err types.Error) (string, string) {
	switch err.Tag() {
	case types.Error_Invalid:
		return "invalid", err.Invalid()
	case types.Error_TooLarge:
		return "too-large", err.TooLarge()
	case types.Error_EtagMismatch:
		return "etag-mismatch", ""
	case types.Error_Denied:
		return "denied", err.Denied()
	case types.Error_Unavailable:
		return "unavailable", err.Unavailable()
	case types.Error_OutcomeUnknown:
		return "outcome-unknown", err.OutcomeUnknown()
	case types.Error_Internal:
		return "internal", ""
	default:
		return "throttled", ""
	}
}

type coded string

func (c coded) Error() string    { return "alice at 10.0.0.7:5432 of orders by tcp" }
func (c coded) SQLState() string { return string(c) }

func TestAFailureIsTheCaseThatIsTrueOfIt(t *testing.T) {
	for _, failure := range []struct {
		err         error
		read, write string
	}{
		{dialed, "unavailable", "unavailable"},
		{coded("28000"), "denied", "denied"},
		{coded("54000"), "too-large", "too-large"},
		{coded("22021"), "invalid", "invalid"},
		{coded("40001"), "unavailable", "unavailable"},
		{coded("42P01"), "internal", "internal"},
		{coded("XX000"), "internal", "outcome-unknown"},
		{io.ErrUnexpectedEOF, "unavailable", "outcome-unknown"},
		{context.DeadlineExceeded, "unavailable", "outcome-unknown"},
		{errors.New("who knows what became of it"), "internal", "outcome-unknown"},
		{notDone{io.EOF}, "unavailable", "unavailable"},
		{notDone{errors.New("who knows")}, "internal", "internal"},
		{errNoTransactions, "internal", "internal"},
		{state.NewETagError(state.ETagInvalid, errors.New("no number")), "internal", "etag-mismatch"},
	} {
		log.Records = nil
		for which, err := range map[string]types.Error{
			failure.read: of("state.postgresql").readError(failure.err, "k"), failure.write: of("state.postgresql").writeError(failure.err, "k"),
		} {
			found, text := heard(err)
			if found != which {
				t.Errorf("%q is %s and not %s", failure.err, found, which)
			}
			for _, word := range hidden {
				if strings.Contains(text, word) {
					t.Errorf("an app hears %q", text)
				}
			}
			if text != "" && !strings.Contains(strings.Join(log.Records, "\n"), failure.err.Error()) {
				t.Errorf("%q is not in the log: %q", failure.err, log.Records)
			}
		}
	}
}

func TestWhoSetsUpAStoreReadsWhatTheComponentSays(t *testing.T) {
	for wanted, err := range map[string]error{
		"unavailable": dialed, "denied": coded("28000"), "invalid": errors.New("`redisHost` is no address"),
	} {
		if found, text := heard(openError(err)); found != wanted || text != err.Error() {
			t.Errorf("%s: %s", found, text)
		}
	}
}

func TestNothingLeavesAnInstanceWhoseItemsAreInIt(t *testing.T) {
	if found, _ := heard(of("state.in-memory").writeError(errors.New("no transaction"), "k")); found != "internal" {
		t.Error(found)
	}
}

type redisError string

func (e redisError) Error() string { return string(e) }
func (e redisError) RedisError()   {}

func TestAValueThatIsWrittenIsNotSaidToBeNoneWhateverFailsThen(t *testing.T) {
	denied := redisError("NOPERM this user has no permissions to run the 'expire' command")
	for _, key := range []string{"app||k", "k ttl: x", "%s"} {
		for _, failure := range []struct{ format, is string }{
			{"failed to set key %s: %w", "denied"},
			{"failed to set key %s ttl: %w", "outcome-unknown"},
			{"failed to persist key %s: %w", "outcome-unknown"},
		} {
			err := fmt.Errorf(failure.format, key, denied)
			if found, _ := heard(of("state.redis").writeError(err, key)); found != failure.is {
				t.Errorf("%q is %s and not %s", err, found, failure.is)
			}
		}
		waited := fmt.Errorf("redis waiting for %v replicas to acknowledge write, err: %w", 2, denied)
		if found, _ := heard(of("state.redis").writeError(waited, key)); found != "outcome-unknown" {
			t.Errorf("%q is %s", waited, found)
		}
	}
}

func TestRedisHasAMismatchWhereItsScriptSaysSoAndNowhereElse(t *testing.T) {
	for _, failure := range []struct {
		err error
		is  string
	}{
		{redisError("ERR user_script:16: failed to set key app||READONLY x script: 8ca5, on @user_script:16."), "etag-mismatch"},
		{redisError("READONLY You can't write against a read only replica."), "unavailable"},
		{io.EOF, "outcome-unknown"},
	} {
		if found, _ := heard(of("state.redis").writeError(state.NewETagError(state.ETagMismatch, failure.err), "app||READONLY x")); found != failure.is {
			t.Errorf("%q is %s and not %s", failure.err, found, failure.is)
		}
	}
}

func TestKeysOfATransactionAreAllLeftOutOfWhatIsSaid(t *testing.T) {
	err := errors.New("no row for b: EOF")
	if found, _ := heard(of("state.mysql").writeError(err, "a", "b: EOF")); found != "outcome-unknown" {
		t.Error(found)
	}
	if found, _ := heard(of("state.mysql").readError(err, "a", "b: EOF")); found != "internal" {
		t.Error(found)
	}
}
