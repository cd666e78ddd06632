// A new file of package syscall: the functions of wasi:sockets and wasi:io that net_wasip1.go uses, as the canonical ABI has
// them. A result of one function goes to `result`.

//go:build wasip1

package syscall

import "unsafe"

//go:wasmimport wasi:sockets/instance-network@0.2.10 instance-network
func wasi_instance_network() uint32

//go:wasmimport wasi:sockets/tcp-create-socket@0.2.10 create-tcp-socket
//go:noescape
func wasi_create_tcp(family uint32, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.start-connect
//go:noescape
func wasi_start_connect(self, network, family, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 uint32, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.finish-connect
//go:noescape
func wasi_finish_connect(self uint32, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.subscribe
func wasi_tcp_subscribe(self uint32) uint32

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.shutdown
//go:noescape
func wasi_tcp_shutdown(self, how uint32, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.local-address
//go:noescape
func wasi_local_address(self uint32, result *[12]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.set-keep-alive-enabled
//go:noescape
func wasi_keep_alive(self, on uint32, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.set-keep-alive-idle-time
//go:noescape
func wasi_keep_alive_idle(self uint32, nanoseconds uint64, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.set-keep-alive-interval
//go:noescape
func wasi_keep_alive_interval(self uint32, nanoseconds uint64, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [method]tcp-socket.set-keep-alive-count
//go:noescape
func wasi_keep_alive_count(self, count uint32, result *[4]uint32)

//go:wasmimport wasi:sockets/tcp@0.2.10 [resource-drop]tcp-socket
func wasi_tcp_drop(self uint32)

//go:wasmimport wasi:io/streams@0.2.10 [method]input-stream.read
//go:noescape
func wasi_in_read(self uint32, size uint64, result *[4]uint32)

//go:wasmimport wasi:io/streams@0.2.10 [method]input-stream.subscribe
func wasi_in_subscribe(self uint32) uint32

//go:wasmimport wasi:io/streams@0.2.10 [resource-drop]input-stream
func wasi_in_drop(self uint32)

//go:wasmimport wasi:io/streams@0.2.10 [method]output-stream.check-write
//go:noescape
func wasi_out_check(self uint32, result *[4]uint64)

//go:wasmimport wasi:io/streams@0.2.10 [method]output-stream.write
//go:noescape
func wasi_out_write(self uint32, bytes unsafe.Pointer, size uint32, result *[4]uint32)

//go:wasmimport wasi:io/streams@0.2.10 [method]output-stream.subscribe
func wasi_out_subscribe(self uint32) uint32

//go:wasmimport wasi:io/streams@0.2.10 [resource-drop]output-stream
func wasi_out_drop(self uint32)

//go:wasmimport wasi:io/poll@0.2.10 [resource-drop]pollable
func wasi_pollable_drop(self uint32)

//go:wasmimport wasi:io/error@0.2.10 [resource-drop]error
func wasi_error_drop(self uint32)

//go:wasmimport wasi:sockets/ip-name-lookup@0.2.10 resolve-addresses
//go:noescape
func wasi_lookup(network uint32, name unsafe.Pointer, size uint32, result *[4]uint32)

//go:wasmimport wasi:sockets/ip-name-lookup@0.2.10 [method]resolve-address-stream.resolve-next-address
//go:noescape
func wasi_lookup_next(self uint32, result *[8]uint32)

//go:wasmimport wasi:sockets/ip-name-lookup@0.2.10 [method]resolve-address-stream.subscribe
func wasi_lookup_subscribe(self uint32) uint32

//go:wasmimport wasi:sockets/ip-name-lookup@0.2.10 [resource-drop]resolve-address-stream
func wasi_lookup_drop(self uint32)
