package failure

import (
	"reflect"
	"strings"
)

// What the codes of gRPC say, by their numbers. Those that are not here say nothing of what was done.
var statuses = map[uint64]Kind{
	1:  Lost,       // Canceled
	3:  Invalid,    // InvalidArgument
	4:  Lost,       // DeadlineExceeded
	5:  Refused,    // NotFound
	6:  Refused,    // AlreadyExists
	7:  Denied,     // PermissionDenied
	8:  NotReached, // ResourceExhausted
	9:  Refused,    // FailedPrecondition
	10: NotReached, // Aborted
	11: Refused,    // OutOfRange
	12: Refused,    // Unimplemented
	14: Lost,       // Unavailable
	16: Denied,     // Unauthenticated
}

// What is said with a code that says less: by etcd, and by gRPC itself.
var remarks = []struct {
	code uint64
	part string
	kind Kind
}{
	{3, "request is too large", TooLarge}, {3, "too many operations", TooLarge},
	{3, "authentication failed", Denied}, {3, "user name is empty", Denied}, {3, "permission not given", Denied},
	{3, "revision of auth store is old", NotReached},
	{8, "message larger than max", TooLarge},
	{9, "not leader", NotReached},
	{14, "Error while dialing", NotReached},
}

// ofGRPC knows a status of gRPC, and what etcd's client makes of one.
func ofGRPC(err error) (Kind, bool) {
	code, message, ok := statusOf(err)
	if !ok {
		return Unknown, false
	}
	for _, known := range remarks {
		if code == known.code && strings.Contains(message, known.part) {
			return known.kind, true
		}
	}
	return statuses[code], true
}

func statusOf(err error) (code uint64, message string, ok bool) {
	ok = walk(err, func(err error) bool {
		value := reflect.ValueOf(err)
		if status, has := result(value.MethodByName("GRPCStatus")); has {
			number, isCode := codeOf(status)
			text, isText := result(status.MethodByName("Message"))
			if !isCode || !isText || text.Kind() != reflect.String {
				return false
			}
			code, message = number, text.String()
			return true
		}
		number, isCode := codeOf(value)
		code, message = number, err.Error()
		return isCode
	})
	return code, message, ok
}

// codeOf is what the method Code gives, if it is gRPC's.
func codeOf(value reflect.Value) (uint64, bool) {
	code, has := result(value.MethodByName("Code"))
	if !has || code.Kind() != reflect.Uint32 || !strings.HasSuffix(code.Type().PkgPath(), "google.golang.org/grpc/codes") {
		return 0, false
	}
	return code.Uint(), true
}

// result of a method that takes nothing and gives one thing.
func result(method reflect.Value) (reflect.Value, bool) {
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 {
		return reflect.Value{}, false
	}
	return method.Call(nil)[0], true
}
