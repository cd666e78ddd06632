package failure

import (
	"errors"
	"reflect"
	"strings"
)

// What AWS says with status 400, where another would say it.
var (
	busy       = []string{"Throttl", "LimitExceeded", "ThroughputExceeded", "TransactionConflict"}
	notAllowed = []string{"AccessDenied", "UnrecognizedClient", "InvalidSignature", "ExpiredToken"}
)

// ofHTTP knows what AWS and Azure answer to a request. Their clients try several times where a server is busy or at fault, and
// tell of the last one: one before may have been done.
func ofHTTP(err error) (Kind, bool) {
	status, code := answered(err)
	switch {
	case status == 401, status == 403, status == 400 && holdsOne(code, notAllowed):
		return Denied, true
	case status == 408, status == 429, status == 449, status == 400 && holdsOne(code, busy):
		return Lost, true
	case status == 413:
		return TooLarge, true
	case status >= 400 && status < 500:
		return Refused, true
	case status == 502, status == 503, status == 504:
		return Lost, true
	default:
		return Unknown, false
	}
}

func holdsOne(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// answered is the status of an error of AWS's SDK, with its code, or of Azure's.
func answered(err error) (status int, code string) {
	var aws interface{ HTTPStatusCode() int }
	if errors.As(err, &aws) {
		var coded interface{ ErrorCode() string }
		if errors.As(err, &coded) {
			code = coded.ErrorCode()
		}
		return aws.HTTPStatusCode(), code
	}
	walk(err, func(err error) bool {
		value := reflect.Indirect(reflect.ValueOf(err))
		if value.Kind() != reflect.Struct || value.Type().Name() != "ResponseError" {
			return false
		}
		field := value.FieldByName("StatusCode")
		if !field.IsValid() || field.Kind() != reflect.Int {
			return false
		}
		status = int(field.Int())
		return true
	})
	return status, code
}
