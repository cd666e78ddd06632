// Command counter counts in a state store, over HTTP: POST /NAME adds one, GET /NAME reads it.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"counter/dapr"
	"counter/wasihttp"
)

// A table [state.NAME] of components.toml; the host has this one without any configuration.
var store = dapr.NewStore("statestore")

func main() {
	wasihttp.Serve(http.HandlerFunc(answer))
}

func answer(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if !utf8.ValidString(name) {
		http.Error(w, "the name is no UTF-8", http.StatusBadRequest)
		return
	}
	if name == "" {
		name = "default"
	}
	var number uint64
	var err error
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		number, err = dapr.Get[uint64](r.Context(), store, name)
		if errors.Is(err, dapr.ErrNotFound) {
			number, err = 0, nil
		}
	case http.MethodPost:
		number, err = dapr.Update(r.Context(), store, name, addOne)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "a counter takes GET and POST", http.StatusMethodNotAllowed)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), status(err))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, number)
}

var errFull = errors.New("the counter is at its maximum")

// Additions that come at the same time all count: each is written on the condition that nobody wrote in between, and starts again
// if somebody did.
func addOne(draft *dapr.Draft[uint64]) error {
	draft.Value++
	if draft.Value == 0 {
		return errFull
	}
	return nil
}

// status is an error as HTTP has it.
func status(err error) int {
	for _, known := range []struct {
		err    error
		status int
	}{
		{errFull, http.StatusConflict},
		// Others were faster each time.
		{dapr.ErrEtagMismatch, http.StatusConflict},
		{dapr.ErrInvalid, http.StatusBadRequest},
		{dapr.ErrDenied, http.StatusForbidden},
		{dapr.ErrNoSuchStore, http.StatusNotFound},
		{dapr.ErrTooLarge, http.StatusRequestEntityTooLarge},
		{dapr.ErrThrottled, http.StatusTooManyRequests},
		{dapr.ErrUnsupported, http.StatusNotImplemented},
		{dapr.ErrNotConfigured, http.StatusNotImplemented},
		{dapr.ErrUnavailable, http.StatusServiceUnavailable},
		{dapr.ErrOutcomeUnknown, http.StatusGatewayTimeout},
	} {
		if errors.Is(err, known.err) {
			return known.status
		}
	}
	return http.StatusInternalServerError
}
