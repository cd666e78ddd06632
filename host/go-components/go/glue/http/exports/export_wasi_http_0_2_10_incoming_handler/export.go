// Package export_wasi_http_0_2_10_incoming_handler is what the host calls: the app's handler, which its main has named.
package export_wasi_http_0_2_10_incoming_handler

import (
	"wit_component/imports/wasi_http_0_2_10_types"
	_ "unsafe" // for linkname
)

// Handler answers a request of the host.
var Handler func(request *wasi_http_0_2_10_types.IncomingRequest, out *wasi_http_0_2_10_types.ResponseOutparam)

// The app's main, which Go does not run in a module that others call.
//
//go:linkname appMain main.main
func appMain()

// Handle is called by the host. By then all packages are initialised, so that the first call runs main, as a program would.
func Handle(request *wasi_http_0_2_10_types.IncomingRequest, out *wasi_http_0_2_10_types.ResponseOutparam) {
	if Handler == nil {
		appMain()
	}
	if Handler == nil {
		panic("main has not said who answers requests: it calls wasihttp.Serve")
	}
	Handler(request, out)
}
