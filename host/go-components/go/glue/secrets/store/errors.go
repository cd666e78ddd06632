package store

import (
	"regexp"
	"strconv"
	"strings"

	types "wit_component/dapr_secrets_provider_types"
	"wit_component/failure"
)

// What a failure says, by its vendor's words. Components wrap errors as texts, so that there are no types.
var (
	absent = []string{
		"secret key or version not exist", // Vault
		"SecretNotFound",                  // Azure
		"ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound", // AWS
		"code = NotFound",       // Google
		"Code=ResourceNotFound", // Tencent
		"EntityNotExists",       // Alibaba
	}
	denied = []string{
		"AccessDenied", "UnrecognizedClient", "InvalidSignature", "SignatureDoesNotMatch", "ExpiredToken", "InvalidClientTokenId",
		"AuthFailure", "UnauthorizedOperation", "InvalidAccessKeyId", "authentication failed",
	}
	throttled = []string{"Throttling", "TooManyRequests", "RequestLimitExceeded", "code = ResourceExhausted"}
)

// The status that a server answered, in the words of Vault, Azure, AWS, Alibaba and Huawei.
var status = regexp.MustCompile(`(?:status code:? |StatusCode: |RESPONSE |"status_code":)(\d{3})\b`)

func readError(err error) types.Error {
	said := err.Error()
	switch {
	case says(said, absent):
		return types.MakeErrorNoSuchSecret()
	case says(said, throttled):
		return types.MakeErrorThrottled()
	case says(said, denied):
		return types.MakeErrorDenied(said)
	}
	if known, ok := byStatus(said); ok {
		return known
	}
	if known, ok := byKind(err); ok {
		return known
	}
	return types.MakeErrorInternal(said)
}

// openError is why the store does not open. What is no matter of the server is one of its settings.
func openError(err error) types.Error {
	if known, ok := byKind(err); ok {
		return known
	}
	return types.MakeErrorInvalid(err.Error())
}

func says(said string, words []string) bool {
	for _, word := range words {
		if strings.Contains(said, word) {
			return true
		}
	}
	return false
}

func byStatus(said string) (types.Error, bool) {
	found := status.FindStringSubmatch(said)
	if found == nil {
		return types.Error{}, false
	}
	code, _ := strconv.Atoi(found[1])
	switch {
	case code == 401, code == 403:
		return types.MakeErrorDenied(said), true
	case code == 404:
		return types.MakeErrorNoSuchSecret(), true
	case code == 429:
		return types.MakeErrorThrottled(), true
	case code == 412, code == 472, code == 473, code >= 500: // also a standby or sealed Vault
		return types.MakeErrorUnavailable(said), true
	default:
		return types.Error{}, false
	}
}

// byKind knows an error by its type, or by the words that all systems have.
func byKind(err error) (types.Error, bool) {
	said := err.Error()
	switch failure.Of(err) {
	case failure.Denied:
		return types.MakeErrorDenied(said), true
	case failure.NotReached, failure.Lost:
		return types.MakeErrorUnavailable(said), true
	case failure.TooLarge:
		return types.MakeErrorTooLarge(said), true
	case failure.Invalid:
		return types.MakeErrorInvalid(said), true
	default:
		return types.Error{}, false
	}
}
