// Command todo is a to-do list as a JSON API. This file is HTTP, todos.go is what the app knows about its data.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"todo/dapr"
	"todo/wasihttp"
)

func main() {
	wasihttp.Serve(routes())
}

func routes() http.Handler {
	mux := http.NewServeMux()
	// HEAD is GET without the body, which a server leaves out by itself.
	mux.Handle("/todos", resource{{"GET", list(todos)}, {"HEAD", list(todos)}, {"POST", create}})
	mux.Handle("/todos/archive-done", resource{{"POST", archive}})
	mux.Handle("/todos/{id}", resource{{"GET", get}, {"HEAD", get}, {"PATCH", patch}, {"DELETE", remove}})
	mux.Handle("/archive", resource{{"GET", list(archived)}, {"HEAD", list(archived)}})
	mux.Handle("/", handler(func(http.ResponseWriter, *http.Request) error { return errNotFound }))
	return mux
}

func create(w http.ResponseWriter, r *http.Request) error {
	var body newTodo
	if err := decode(r, &body); err != nil {
		return err
	}
	todo, err := add(r.Context(), body)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/todos/"+todo.ID)
	return encode(w, http.StatusCreated, todo)
}

func list(prefix string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		cursor, err := cursor(r.URL)
		if err != nil {
			return err
		}
		page, err := page(r.Context(), prefix, cursor)
		if err != nil {
			return err
		}
		return encode(w, http.StatusOK, page)
	}
}

func archive(w http.ResponseWriter, r *http.Request) error {
	count, err := archiveDone(r.Context())
	if err != nil {
		return err
	}
	return encode(w, http.StatusOK, map[string]int{"archived": count})
}

func get(w http.ResponseWriter, r *http.Request) error {
	todo, err := find(r.Context(), id(r))
	if err != nil {
		return err
	}
	return encode(w, http.StatusOK, todo)
}

func patch(w http.ResponseWriter, r *http.Request) error {
	// Under a name that was never given out there is nothing, whatever is to be changed.
	if id(r) == "" {
		return errNotFound
	}
	var body changeOfTodo
	if err := decode(r, &body); err != nil {
		return err
	}
	todo, err := change(r.Context(), id(r), body)
	if err != nil {
		return err
	}
	return encode(w, http.StatusOK, todo)
}

func remove(w http.ResponseWriter, r *http.Request) error {
	if err := discard(r.Context(), id(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// ---- what clients send ----

var ids = regexp.MustCompile("^[0-9a-f]{32}$")

// id is the name of a todo in the path; empty where it is none that this app gives out.
func id(r *http.Request) string {
	return ids.FindString(r.PathValue("id"))
}

// cursor is stricter than a web page's form: what has no meaning here is refused.
func cursor(address *url.URL) (string, error) {
	query, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return "", bad(err.Error())
	}
	for name, values := range query {
		if name != "cursor" || len(values) > 1 {
			return "", bad(fmt.Sprintf("the parameter %q has no meaning here, or is given twice", name))
		}
	}
	return query.Get("cursor"), nil
}

// decode reads a JSON object that has these fields and no others.
func decode(r *http.Request, to any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(to); err != nil {
		return bad(err.Error())
	}
	if _, err := decoder.Token(); err != io.EOF {
		return bad("there is more than one JSON value")
	}
	return nil
}

// ---- what they are answered ----

// handler is one that may fail.
type handler func(http.ResponseWriter, *http.Request) error

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		status, text := spoken(err)
		encode(w, status, map[string]string{"error": text})
	}
}

// bad is a request that makes no sense, and why.
type bad string

func (err bad) Error() string { return string(err) }

var errNotFound = errors.New("there is no such thing")

func spoken(err error) (int, string) {
	var invalid bad
	var refused *dapr.Error
	switch {
	case errors.As(err, &invalid):
		return http.StatusBadRequest, err.Error()
	case errors.Is(err, errNotFound), errors.Is(err, dapr.ErrNotFound):
		return http.StatusNotFound, errNotFound.Error()
	case errors.Is(err, dapr.ErrEtagMismatch):
		return http.StatusConflict, "others were faster: try again"
	// What reaches the store from a client is a cursor and a TTL.
	case errors.Is(err, dapr.ErrInvalid) && errors.As(err, &refused):
		return http.StatusBadRequest, refused.Message
	}
	// The store failed, or what it holds is no todo: nothing that a client could mend or should read about. What an app prints is
	// in the host's log, under the app's name.
	log.Print(err)
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, dapr.ErrThrottled), errors.Is(err, dapr.ErrUnavailable):
		status = http.StatusServiceUnavailable
	case errors.Is(err, dapr.ErrOutcomeUnknown):
		status = http.StatusGatewayTimeout
	}
	return status, "the todos are out of reach"
}

// resource is what a path takes: handlers by method.
type resource []struct {
	method string
	handler
}

func (r resource) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var methods []string
	for _, one := range r {
		if one.method == request.Method {
			one.ServeHTTP(w, request)
			return
		}
		methods = append(methods, one.method)
	}
	allow := strings.Join(methods, ", ")
	w.Header().Set("Allow", allow)
	encode(w, http.StatusMethodNotAllowed, map[string]string{"error": "use one of " + allow})
}

func encode(w http.ResponseWriter, status int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(text)
	return err
}
