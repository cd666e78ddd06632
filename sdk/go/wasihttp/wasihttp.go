// Package wasihttp has the handlers of net/http answer the requests of a host of WebAssembly components.
//
//	func main() {
//		wasihttp.Serve(http.HandlerFunc(hello))
//	}
package wasihttp

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"wit_component/exports/export_wasi_http_0_2_10_incoming_handler"
	_ "wit_component/exports/wit_exports" // what the host calls
	wasi "wit_component/imports/wasi_http_0_2_10_types"
	"wit_component/imports/wasi_io_streams"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Serve says who answers requests. Unlike http.Serve it returns at once: the host calls when a request comes, by default each in
// an instance of its own, which begins with main.
//
// Where a handler panics, the instance ends and the host answers 500.
func Serve(handler http.Handler) {
	export_wasi_http_0_2_10_incoming_handler.Handler = func(request *wasi.IncomingRequest, out *wasi.ResponseOutparam) {
		answer := &response{out: out, header: http.Header{}, isHead: request.Method().Tag() == wasi.Method_Head}
		received, err := lifted(request)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
		} else {
			handler.ServeHTTP(answer, received)
			received.Body.Close()
		}
		answer.finish()
		request.Drop()
	}
}

// lifted is the request as net/http has it. An error is one that a client made.
func lifted(request *wasi.IncomingRequest) (*http.Request, error) {
	target := request.PathWithQuery().SomeOr("/")
	address, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	fields := request.Headers()
	for _, field := range fields.Entries() {
		header.Add(field.F0, string(field.F1))
	}
	fields.Drop()
	received := &http.Request{
		Method:     method(request.Method()),
		URL:        address,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     header,
		Body:       &body{request: request},
		Host:       request.Authority().SomeOr(header.Get("Host")),
		RequestURI: target,
		// As of a body whose length nobody has said.
		ContentLength: -1,
	}
	if length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil {
		received.ContentLength = length
	}
	return received, nil
}

// The methods, in the order of their tags; the last is any other.
var methods = [...]string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodConnect,
	http.MethodOptions, http.MethodTrace, http.MethodPatch,
}

func method(method wasi.Method) string {
	if tag := int(method.Tag()); tag < len(methods) {
		return methods[tag]
	}
	return method.Other()
}

// ---- the body of a request ----

// body is asked for when it is read.
type body struct {
	request *wasi.IncomingRequest
	whole   *wasi.IncomingBody
	stream  *wasi_io_streams.InputStream
	rest    []byte
	err     error
}

// What is asked for at once.
const chunk = 64 << 10

func (b *body) Read(to []byte) (int, error) {
	for len(b.rest) == 0 && b.err == nil && len(to) > 0 {
		b.ask()
	}
	if len(b.rest) == 0 {
		return 0, b.err
	}
	n := copy(to, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *body) ask() {
	if b.stream == nil {
		b.whole = b.request.Consume().Ok()
		b.stream = b.whole.Stream().Ok()
	}
	result := b.stream.BlockingRead(chunk)
	switch {
	case result.IsOk():
		b.rest = result.Ok()
	case result.Err().Tag() == wasi_io_streams.StreamError_Closed:
		b.err = io.EOF
	default:
		b.err = io.ErrUnexpectedEOF
	}
}

// Close lets go of what is left, the stream before the body that it is of.
func (b *body) Close() error {
	if b.stream != nil {
		b.stream.Drop()
		b.whole.Drop()
		b.stream = nil
	}
	b.rest, b.err = nil, http.ErrBodyReadAfterClose
	return nil
}

// ---- the answer ----

// response keeps the beginning of an answer, so that a short one has a length, and passes on what is more.
type response struct {
	out    *wasi.ResponseOutparam
	header http.Header
	status int
	kept   bytes.Buffer
	// What a handler writes of its body goes nowhere.
	isHead bool
	// The host has it, and its body is what may still come.
	hasBegun bool
	whole    *wasi.OutgoingBody
	stream   *wasi_io_streams.OutputStream
	// Nobody takes any more of it.
	err error
}

const (
	// As net/http keeps.
	kept = 2048
	// What the host takes in one call.
	taken = 4096
)

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) {
	// Those that only inform have no place here.
	if r.status == 0 && status >= 200 {
		r.status = status
	}
}

func (r *response) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if !hasBody(r.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if !r.hasBegun && r.kept.Len()+len(data) <= kept {
		return r.kept.Write(data)
	}
	r.Flush()
	return r.pass(data)
}

// Flush passes on what is kept.
func (r *response) Flush() {
	if r.hasBegun {
		return
	}
	r.WriteHeader(http.StatusOK)
	data := r.kept.Bytes()
	if _, ok := r.header["Content-Type"]; !ok && len(data) > 0 {
		r.header.Set("Content-Type", http.DetectContentType(data))
	}
	r.begin()
	r.pass(data)
}

func (r *response) begin() {
	fields := wasi.MakeFields()
	for name, values := range r.header {
		for _, value := range values {
			// The host refuses what is malformed and what is its own to say, as Connection.
			fields.Append(name, []byte(value))
		}
	}
	answer := wasi.MakeOutgoingResponse(fields)
	answer.SetStatusCode(uint16(r.status))
	// The host would hold a body of no bytes against the length that the headers tell. To HEAD there is none.
	if !r.isHead {
		r.whole = answer.Body().Ok()
		r.stream = r.whole.Write().Ok()
	}
	r.hasBegun = true
	wasi.ResponseOutparamSet(r.out, wit.Ok[*wasi.OutgoingResponse, wasi.ErrorCode](answer))
}

func (r *response) pass(data []byte) (int, error) {
	if r.isHead {
		return len(data), nil
	}
	written := 0
	for written < len(data) && r.err == nil {
		part := data[written:min(written+taken, len(data))]
		if result := r.stream.BlockingWriteAndFlush(part); result.IsErr() {
			r.err = io.ErrClosedPipe
			break
		}
		written += len(part)
	}
	return written, r.err
}

// finish says that nothing more comes.
func (r *response) finish() {
	if !r.hasBegun {
		r.WriteHeader(http.StatusOK)
		// A handler may know better: on HEAD it says how long the body would be, without one.
		_, isKnown := r.header["Content-Length"]
		if !isKnown && hasBody(r.status) && !(r.isHead && r.kept.Len() == 0) {
			r.header.Set("Content-Length", strconv.Itoa(r.kept.Len()))
		}
		r.Flush()
	}
	if r.isHead {
		return
	}
	// The stream is a part of the body, and goes before it.
	r.stream.Drop()
	wasi.OutgoingBodyFinish(r.whole, wit.None[*wasi.Fields]())
}

func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
