package failure_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/bradfitz/gomemcache/memcache"
	"github.com/dapr/components-contrib/state"
	redis8 "github.com/go-redis/redis/v8"
	"github.com/go-sql-driver/mysql"
	"github.com/go-zookeeper/zk"
	"github.com/jackc/pgx/v5/pgconn"
	redis9 "github.com/redis/go-redis/v9"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	. "wit_component/failure"
)

func etcd(err error) error { return rpctypes.Error(err) }

func sqlState(state string) error { return &pgconn.PgError{Code: state, Message: "says the server"} }

func mysqlError(number uint16, state string) error {
	err := &mysql.MySQLError{Number: number, Message: "says the server"}
	copy(err.SQLState[:], state)
	return err
}

// redisError is an error of a client's own type, which it does not show.
func redisError(like error, text string) error {
	value := reflect.New(reflect.TypeOf(like)).Elem()
	value.SetString(text)
	return value.Interface().(error)
}

func redis(text string) error { return redisError(redis9.Nil, text) }

func aws(code int, name string) error {
	response := &smithyhttp.Response{Response: &http.Response{StatusCode: code}}
	return &smithyhttp.ResponseError{Response: response, Err: &smithy.GenericAPIError{Code: name}}
}

func dial(number syscall.Errno) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", number)}
}

func receive(number syscall.Errno) error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", number)}
}

var failures = []struct {
	err  error
	kind Kind
}{
	// etcd's client has made errors of its own of the server's
	{etcd(rpctypes.ErrGRPCTimeout), Lost},
	{etcd(rpctypes.ErrGRPCTimeoutDueToLeaderFail), Lost},
	{etcd(rpctypes.ErrGRPCTimeoutWaitAppliedIndex), Lost},
	{etcd(rpctypes.ErrGRPCLeaderChanged), Lost},
	{etcd(rpctypes.ErrGRPCNoLeader), Lost},
	{etcd(rpctypes.ErrGRPCStopped), Lost},
	{etcd(rpctypes.ErrGRPCUnhealthy), Lost},
	{etcd(rpctypes.ErrGRPCDeadlineExceeded), Lost},
	{etcd(rpctypes.ErrGRPCPermissionDenied), Denied},
	{etcd(rpctypes.ErrGRPCInvalidAuthToken), Denied},
	{etcd(rpctypes.ErrGRPCUserEmpty), Denied},
	{etcd(rpctypes.ErrGRPCAuthFailed), Denied},
	{etcd(rpctypes.ErrGRPCAuthOldRevision), NotReached},
	{etcd(rpctypes.ErrGRPCRequestTooManyRequests), NotReached},
	{etcd(rpctypes.ErrGRPCNoSpace), NotReached},
	{etcd(rpctypes.ErrGRPCNotLeader), NotReached},
	{etcd(rpctypes.ErrGRPCRequestTooLarge), TooLarge},
	{etcd(rpctypes.ErrGRPCTooManyOps), TooLarge},
	{etcd(rpctypes.ErrGRPCDuplicateKey), Invalid},
	{etcd(rpctypes.ErrGRPCLeaseNotFound), Refused},
	{etcd(rpctypes.ErrGRPCCompacted), Refused},
	{etcd(rpctypes.ErrGRPCCorrupt), Unknown},
	// gRPC
	{status.Error(codes.Unavailable, "error reading from server: EOF"), Lost},
	{status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.7:2379: connect: connection refused"`), NotReached},
	{status.Error(codes.ResourceExhausted, "trying to send message larger than max (9 vs. 8)"), TooLarge},
	{status.Error(codes.ResourceExhausted, "quota"), NotReached},
	{status.Error(codes.Aborted, "contention"), NotReached},
	{status.Error(codes.AlreadyExists, "exists"), Refused},
	{status.Error(codes.Unimplemented, "unknown service"), Refused},
	{status.Error(codes.Internal, "stream terminated by RST_STREAM"), Unknown},
	{status.Error(codes.Unknown, "?"), Unknown},
	{status.FromContextError(context.DeadlineExceeded).Err(), Lost},
	// PostgreSQL and CockroachDB
	{sqlState("40001"), NotReached},
	{sqlState("40003"), Lost},
	{sqlState("42501"), Denied},
	{sqlState("28P01"), Denied},
	{sqlState("25006"), Denied},
	{sqlState("57014"), NotReached},
	{sqlState("57P01"), NotReached},
	{sqlState("57P02"), Lost},
	{sqlState("53100"), NotReached},
	{sqlState("53300"), NotReached},
	{sqlState("08006"), Lost},
	{sqlState("22001"), TooLarge},
	{sqlState("54000"), TooLarge},
	{sqlState("22021"), Invalid},
	{sqlState("42P01"), Refused},
	{sqlState("58030"), Unknown},
	{sqlState("XX000"), Unknown},
	// MySQL and MariaDB
	{mysqlError(1213, "40001"), NotReached},
	{mysqlError(1205, "HY000"), NotReached},
	{mysqlError(1467, ""), NotReached},
	{mysqlError(1040, "08004"), NotReached},
	{mysqlError(1114, "HY000"), NotReached},
	{mysqlError(1045, "28000"), Denied},
	{mysqlError(1142, "42000"), Denied},
	{mysqlError(1290, "HY000"), Denied},
	{mysqlError(1406, "22001"), TooLarge},
	{mysqlError(1153, "08S01"), TooLarge},
	{mysqlError(1053, "08S01"), Lost},
	{mysqlError(1292, "22007"), Invalid},
	{mysqlError(1146, "42S02"), Refused},
	{mysqlError(1062, "23000"), Refused},
	{mysqlError(1180, "HY000"), Unknown},
	{mysql.ErrInvalidConn, Lost},
	{mysql.ErrPktTooLarge, TooLarge},
	{mysql.ErrMalformPkt, Unknown},
	// Redis
	{redis("READONLY You can't write against a read only replica."), NotReached},
	{redis("LOADING Redis is loading the dataset in memory"), NotReached},
	{redis("MISCONF Redis is configured to save RDB snapshots"), NotReached},
	{redis("OOM command not allowed when used memory > 'maxmemory'. script: 8ca5, on @user_script:8."), NotReached},
	{redis("ERR Error running script (call to f_8ca5): @user_script:9: @user_script: 9: -OOM command not allowed"), NotReached},
	{redisError(redis8.Nil, "CLUSTERDOWN The cluster is down"), NotReached},
	{redis("ERR max number of clients reached"), NotReached},
	{redis("NOAUTH Authentication required."), Denied},
	{redis("NOPERM this user has no permissions to run the 'eval' command"), Denied},
	{redis("ERR ACL failure in script: User app has no permissions to run the 'hset' command"), Denied},
	{redis("EXECABORT Transaction discarded because of previous errors."), NotReached},
	{redis("ERR user_script:16: failed to set key app||k script: 8ca5, on @user_script:16."), Refused},
	{redis("ERR hash value is not an integer"), Unknown},
	{errors.New("redis: connection pool timeout"), NotReached},
	{redis9.ErrPoolExhausted, NotReached},
	// ZooKeeper
	{zk.ErrConnectionClosed, Lost},
	{zk.ErrSessionExpired, Lost},
	{zk.ErrClosing, Lost},
	{zk.ErrNoServer, NotReached},
	{zk.ErrNodeExists, NotReached},
	{zk.ErrSessionMoved, NotReached},
	{zk.ErrNoAuth, Denied},
	{zk.ErrAuthFailed, Denied},
	{zk.ErrInvalidPath, Invalid},
	{zk.ErrNoNode, Refused},
	{zk.ErrUnknown, Unknown},
	// memcached
	{memcache.ErrNoServers, NotReached},
	{memcache.ErrMalformedKey, Invalid},
	{&memcache.ConnectTimeoutError{Addr: &net.TCPAddr{Port: 11211}}, NotReached},
	{fmt.Errorf("memcache: unexpected response line from %q: %q", "set", "SERVER_ERROR object too large for cache\r\n"), TooLarge},
	{memcache.ErrServerError, Unknown},
	// AWS and Azure
	{aws(400, "ValidationException"), Refused},
	{aws(400, "ProvisionedThroughputExceededException"), Lost},
	{aws(400, "AccessDeniedException"), Denied},
	{aws(503, "ServiceUnavailable"), Lost},
	{aws(500, "InternalServerError"), Unknown},
	{&azcore.ResponseError{StatusCode: 403}, Denied},
	{&azcore.ResponseError{StatusCode: 404}, Refused},
	{&azcore.ResponseError{StatusCode: 413}, TooLarge},
	{&azcore.ResponseError{StatusCode: 429}, Lost},
	// Go's library
	{dial(syscall.ECONNREFUSED), NotReached},
	{dial(syscall.EACCES), Denied},
	{receive(syscall.ECONNRESET), Lost},
	{&net.DNSError{Err: "no such host", Name: "db.internal"}, NotReached},
	{context.DeadlineExceeded, Lost},
	{io.EOF, Lost},
	{io.ErrUnexpectedEOF, Lost},
	{errors.New("who knows"), Unknown},
}

// What an app may call a key so that the failure of one thing looks like that of another.
var keys = []string{
	"k", "app||k", "e", "READONLY x", "NOAUTH", "MISCONF", "OOM command", "Error 1 (40001)", "Error 1467 ", "Error 1062",
	"code = Unauthenticated", "connection refused", "dial tcp: ", "x: EOF", "zk: not authenticated", "etcdserver: request is too large",
	"-READONLY x: -OOM y", "x: ", "failed to set key x: EOF", `"EOF": EOF`, "request is too large", "no such host: EOF", ": EOF",
}

func TestAnErrorIsOfItsKindHoweverItIsWrappedAndWhateverTheKeyIsCalled(t *testing.T) {
	for _, failure := range failures {
		for _, key := range keys {
			for _, err := range []error{
				failure.err,
				fmt.Errorf("couldn't set key %s: %w", key, failure.err),
				fmt.Errorf("failed: %w", errors.Join(failure.err, errors.New("rolled back"))),
				state.NewETagError(state.ETagMismatch, fmt.Errorf("failed to set key %s: %w", key, failure.err)),
			} {
				if kind := Of(err, key); kind != failure.kind {
					t.Errorf("%q is %d and not %d, with the key %q", err, kind, failure.kind, key)
				}
			}
		}
	}
}

// memcached's component makes a text of what its client says when it sets.
func TestAnErrorThatWasMadeATextIsOfItsKindWhateverTheKeyIsCalled(t *testing.T) {
	for _, failure := range []struct {
		err  error
		kind Kind
	}{
		{dial(syscall.ECONNREFUSED), NotReached},
		{dial(syscall.EACCES), Denied},
		{receive(syscall.ECONNRESET), Lost},
		{io.EOF, Lost},
		{io.ErrUnexpectedEOF, Lost},
		{errors.New("read tcp 10.0.0.1:1->10.0.0.7:11211: i/o timeout"), Lost},
		{memcache.ErrNoServers, NotReached},
		{memcache.ErrMalformedKey, Invalid},
		{memcache.ErrServerError, Unknown},
		{fmt.Errorf("memcache: unexpected response line from %q: %q", "set", "ERROR\r\n"), Unknown},
	} {
		for _, key := range keys {
			err := fmt.Errorf("failed to set key %s: %s", key, failure.err)
			if kind := Of(err, key); kind != failure.kind {
				t.Errorf("%q is %d and not %d", err, kind, failure.kind)
			}
		}
	}
}

func TestAKeyOfOneLetterTakesNoMeaningFromATextThatHasTheLetter(t *testing.T) {
	err := errors.New("dial tcp 10.0.0.7:11211: connect: connection refused")
	for _, key := range []string{"c", "d", "e", "t", "o"} {
		if kind := Of(err, key); kind != NotReached {
			t.Errorf("%q is %d with the key %q", err, kind, key)
		}
	}
}

// hollow is an error that could wrap another, and does not.
type hollow struct{ error }

func (hollow) Unwrap() error { return nil }

func TestAnErrorThatWrapsNothingIsKnownByItsText(t *testing.T) {
	if kind := Of(fmt.Errorf("failed: %w", hollow{errors.New("connection refused")})); kind != NotReached {
		t.Errorf("it is %d", kind)
	}
}

func TestAKeyAtTheEndOfATextSaysNothing(t *testing.T) {
	for _, key := range keys[2:] {
		for _, format := range []string{"no item %s", "no item %q", "`%s` is no item"} {
			if err := fmt.Errorf(format, key); Of(err, key) != Unknown {
				t.Errorf("%q is %d", err, Of(err, key))
			}
		}
	}
}

func TestOnlyWhatADatabaseHasUndoneIsUndone(t *testing.T) {
	for _, undone := range []error{sqlState("40001"), sqlState("40P01"), mysqlError(1213, "40001"), mysqlError(1467, "HY000")} {
		if !Undone(fmt.Errorf("failed to commit: %w", undone)) {
			t.Errorf("%q is not", undone)
		}
	}
	for _, other := range []error{
		nil, io.EOF, sqlState("40003"), sqlState("42P01"), mysqlError(1062, "23000"),
		errors.New("couldn't set key Error 1 (40001): EOF"), errors.New("Error 1467 "), redis("ERR Error 1213 (40001): x"),
	} {
		if Undone(other) {
			t.Errorf("%v is", other)
		}
	}
}

func TestARowIsThereWhereMySQLSaysSo(t *testing.T) {
	if !IsDuplicate(fmt.Errorf("failed: %w", mysqlError(1062, "23000"))) {
		t.Error("it says so")
	}
	for _, other := range []error{nil, io.EOF, errors.New("Error 1062 (23000): Duplicate entry"), mysqlError(1213, "40001")} {
		if IsDuplicate(other) {
			t.Errorf("%v does not", other)
		}
	}
}
