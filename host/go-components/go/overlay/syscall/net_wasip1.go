// In place of the standard library's file: TCP client sockets and name lookup on wasi:sockets.
//
// A socket is a descriptor from wasiSocketBase on, beyond those of WASI preview 1; Read, Write and Close of fs_wasip1.go ask
// here first. Nothing blocks: what would is EAGAIN, and package internal/poll waits for the pollables that are told to the
// runtime's poller. Datagrams, listening and Unix sockets are ENOTSUP.
//
// There is one thread, and goroutines are switched in calls of the runtime alone: so there are no locks here.

//go:build wasip1

package syscall

import (
	"runtime"
	"unsafe"
)

const (
	SHUT_RD   = 0x1
	SHUT_WR   = 0x2
	SHUT_RDWR = SHUT_RD | SHUT_WR
)

const (
	wasiSocketBase = 1 << 20
	wasiSocketMost = 2048
)

//go:linkname wasiSetPollables runtime.wasiSetPollables
func wasiSetPollables(fd int, read, write uint32)

//go:linkname wasiLastTime runtime.wasiLastTime
func wasiLastTime() int64

//go:linkname wasiArm runtime.wasiArm
func wasiArm(buffer unsafe.Pointer, size uintptr)

// wasiSocket is what a descriptor stands for: a connection, a lookup, or a pollable alone. Handles of 0 are none.
type wasiSocket struct {
	tcp, in, out, lookup              uint32
	readable, writable, connectedOnce uint32
	ended                             bool
	// The last read got less than it asked for: there was no more. The next one is EAGAIN without asking the host, and
	// then the poller knows.
	drained bool
	// When something was read last.
	lastRead int64
	// What was read to see whether there is something.
	peeked    [1]byte
	hasPeeked bool
}

var (
	wasiTable   []*wasiSocket
	wasiNetwork uint32

	// Where the host writes its results: never on a goroutine's stack. cabi_realloc is a nested call in Go on that stack
	// and may make it grow, which moves it, while the host still has the address.
	wasiReturn   [12]uint32
	wasiReturn64 [4]uint64
)

func wasiNew(socket *wasiSocket) (int, error) {
	for i := range wasiTable {
		if wasiTable[i] == nil {
			wasiTable[i] = socket
			return i + wasiSocketBase, nil
		}
	}
	if len(wasiTable) == wasiSocketMost {
		return -1, EMFILE
	}
	wasiTable = append(wasiTable, socket)
	return len(wasiTable) - 1 + wasiSocketBase, nil
}

func wasiFind(fd int) *wasiSocket {
	if i := fd - wasiSocketBase; i >= 0 && i < len(wasiTable) {
		return wasiTable[i]
	}
	return nil
}

func wasiTheNetwork() uint32 {
	if wasiNetwork == 0 {
		wasiNetwork = wasi_instance_network()
	}
	return wasiNetwork
}

// The codes of wasi:sockets/network in their order.
var wasiErrors = [...]Errno{
	EIO, EACCES, ENOTSUP, EINVAL, ENOMEM, ETIMEDOUT, EALREADY, EINVAL, EAGAIN, EINVAL, EMFILE, EADDRNOTAVAIL, EADDRINUSE,
	EHOSTUNREACH, ECONNREFUSED, ECONNRESET, ECONNABORTED, EMSGSIZE, ENOENT, EAGAIN, EIO,
}

func wasiError(code uint32) error {
	if code &= 0xff; int(code) < len(wasiErrors) {
		return wasiErrors[code]
	}
	return EIO
}

// wasiStreamError is the error of a stream; closed is what its end means. WASI 0.2 does not say why a stream failed.
func wasiStreamError(case_, handle uint32, closed Errno) Errno {
	if case_&0xff == 1 {
		return closed
	}
	wasi_error_drop(handle)
	return ECONNRESET
}

func Socket(family, kind, protocol int) (fd int, err error) {
	if kind != SOCK_STREAM || family != AF_INET && family != AF_INET6 {
		return -1, ENOTSUP
	}
	result := (*[4]uint32)(wasiReturn[:4])
	wasi_create_tcp(uint32(family-AF_INET), result)
	if result[0]&0xff != 0 {
		return -1, wasiError(result[1])
	}
	tcp := result[1]
	fd, err = wasiNew(&wasiSocket{tcp: tcp})
	if err != nil {
		wasi_tcp_drop(tcp)
	}
	return fd, err
}

// Connect begins to connect. WasiFinishConnect ends it, when the descriptor can be written to.
func Connect(fd int, address Sockaddr) error {
	s := wasiFind(fd)
	if s == nil {
		return ENOTSOCK
	}
	result := (*[4]uint32)(wasiReturn[:4])
	switch a := address.(type) {
	case *SockaddrInet4:
		wasi_start_connect(s.tcp, wasiTheNetwork(), 0, uint32(a.Port),
			uint32(a.Addr[0]), uint32(a.Addr[1]), uint32(a.Addr[2]), uint32(a.Addr[3]), 0, 0, 0, 0, 0, 0, result)
	case *SockaddrInet6:
		var h [8]uint32
		for i := range h {
			h[i] = uint32(a.Addr[2*i])<<8 | uint32(a.Addr[2*i+1])
		}
		wasi_start_connect(s.tcp, wasiTheNetwork(), 1, uint32(a.Port),
			0, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], a.ZoneId, result)
	default:
		return EAFNOSUPPORT
	}
	if result[0]&0xff != 0 {
		return wasiError(result[0] >> 8)
	}
	s.connectedOnce = wasi_tcp_subscribe(s.tcp)
	wasiSetPollables(fd, 0, s.connectedOnce)
	return nil
}

// WasiFinishConnect is EAGAIN while the connection is not there yet.
func WasiFinishConnect(fd int) error {
	s := wasiFind(fd)
	if s == nil {
		return ENOTSOCK
	}
	result := (*[4]uint32)(wasiReturn[:4])
	wasi_finish_connect(s.tcp, result)
	if result[0]&0xff != 0 {
		return wasiError(result[1])
	}
	s.in, s.out = result[1], result[2]
	wasi_pollable_drop(s.connectedOnce)
	s.connectedOnce = 0
	s.readable, s.writable = wasi_in_subscribe(s.in), wasi_out_subscribe(s.out)
	wasiSetPollables(fd, s.readable, s.writable)
	return nil
}

// WasiLocalAddress is nil if the host does not say.
func WasiLocalAddress(fd int) Sockaddr {
	s := wasiFind(fd)
	if s == nil {
		return nil
	}
	wasi_local_address(s.tcp, &wasiReturn)
	if wasiReturn[0]&0xff != 0 {
		return nil
	}
	b := (*[48]byte)(unsafe.Pointer(&wasiReturn))
	port := int(b[8]) | int(b[9])<<8
	if b[4] == 0 {
		return &SockaddrInet4{Port: port, Addr: [4]byte(b[10:14])}
	}
	a := &SockaddrInet6{Port: port, ZoneId: wasiReturn[8]}
	wasiIPv6(a.Addr[:], b[16:])
	return a
}

// wasiIPv6 writes eight numbers of 16 bits, as the host has them, as the bytes of an address.
func wasiIPv6(address, numbers []byte) {
	for i := 0; i < 16; i += 2 {
		address[i], address[i+1] = numbers[i+1], numbers[i]
	}
}

func wasiRead(s *wasiSocket, b []byte) (int, error) {
	if s.in == 0 {
		return -1, ENOTCONN
	}
	if len(b) == 0 || s.ended {
		return 0, nil
	}
	if s.hasPeeked {
		s.hasPeeked = false
		return copy(b, s.peeked[:]), nil
	}
	if s.drained {
		s.drained = false
		return -1, EAGAIN
	}
	result := (*[4]uint32)(wasiReturn[:4])
	wasiArm(unsafe.Pointer(&b[0]), uintptr(len(b))) // the host writes into b itself
	wasi_in_read(s.in, uint64(len(b)), result)
	wasiArm(nil, 0)
	runtime.KeepAlive(b)
	if result[0]&0xff != 0 {
		if err := wasiStreamError(result[1], result[2], 0); err != 0 {
			return -1, err
		}
		s.ended = true
		return 0, nil
	}
	n := int(result[2])
	if n == 0 {
		return -1, EAGAIN
	}
	s.drained, s.lastRead = n < len(b), wasiLastTime()
	return n, nil
}

func wasiWrite(s *wasiSocket, b []byte) (int, error) {
	if s.out == 0 {
		return -1, ENOTCONN
	}
	if len(b) == 0 {
		return 0, nil
	}
	wasi_out_check(s.out, &wasiReturn64)
	if wasiReturn64[0]&0xff != 0 {
		return -1, wasiStreamError(uint32(wasiReturn64[1]), uint32(wasiReturn64[1]>>32), EPIPE)
	}
	n := min(wasiReturn64[1], uint64(len(b)))
	if n == 0 {
		return -1, EAGAIN
	}
	result := (*[4]uint32)(wasiReturn[:4])
	wasi_out_write(s.out, unsafe.Pointer(&b[0]), uint32(n), result)
	runtime.KeepAlive(b)
	if result[0]&0xff != 0 {
		return -1, wasiStreamError(result[1], result[2], EPIPE)
	}
	return int(n), nil
}

func wasiClose(fd int, s *wasiSocket) error {
	wasiSetPollables(fd, 0, 0)
	wasiTable[fd-wasiSocketBase] = nil
	for _, pollable := range [...]uint32{s.readable, s.writable, s.connectedOnce} {
		if pollable != 0 {
			wasi_pollable_drop(pollable)
		}
	}
	if s.in != 0 {
		wasi_in_drop(s.in)
	}
	if s.out != 0 {
		wasi_out_drop(s.out)
	}
	if s.tcp != 0 {
		wasi_tcp_drop(s.tcp)
	}
	if s.lookup != 0 {
		wasi_lookup_drop(s.lookup)
	}
	return nil
}

func Shutdown(fd int, how int) error {
	s := wasiFind(fd)
	if s == nil || s.tcp == 0 {
		return ENOTSOCK
	}
	result := (*[4]uint32)(wasiReturn[:4])
	wasi_tcp_shutdown(s.tcp, uint32(how-1), result) // receive, send, both
	if result[0]&0xff != 0 {
		return wasiError(result[0] >> 8)
	}
	return nil
}

// A connection that was read from so many nanoseconds ago is not looked at: what there is to see would have been seen.
const wasiJustUsed = 20_000_000

// What WasiPeek sees.
const (
	WasiQuiet = iota
	WasiData
	WasiEnd
)

// WasiPeek looks whether there is something to read, which stays to be read. A pollable does not do: it may be ready when there
// is nothing.
func WasiPeek(fd int) int {
	s := wasiFind(fd)
	switch {
	case s == nil || s.in == 0 || s.ended:
		return WasiEnd
	case s.hasPeeked:
		return WasiData
	case wasiLastTime()-s.lastRead < wasiJustUsed:
		return WasiQuiet
	}
	s.drained = false
	n, err := wasiRead(s, s.peeked[:])
	switch {
	case err == EAGAIN:
		return WasiQuiet
	case err != nil || n == 0:
		return WasiEnd
	}
	s.hasPeeked = true
	return WasiData
}

// Options of a connection, by what the host calls them.
const (
	WasiKeepAlive = iota
	WasiKeepAliveIdle
	WasiKeepAliveInterval
	WasiKeepAliveCount
)

// WasiSetOption sets one: 0 or 1, nanoseconds, or a number.
func WasiSetOption(fd int, option int, value uint64) error {
	s := wasiFind(fd)
	if s == nil || s.tcp == 0 {
		return ENOTSOCK
	}
	result := (*[4]uint32)(wasiReturn[:4])
	switch option {
	case WasiKeepAlive:
		wasi_keep_alive(s.tcp, uint32(value), result)
	case WasiKeepAliveIdle:
		wasi_keep_alive_idle(s.tcp, value, result)
	case WasiKeepAliveInterval:
		wasi_keep_alive_interval(s.tcp, value, result)
	default:
		wasi_keep_alive_count(s.tcp, uint32(value), result)
	}
	if result[0]&0xff != 0 {
		return wasiError(result[0] >> 8)
	}
	return nil
}

// WasiPollable makes a descriptor that can be read when the pollable is ready. It owns the pollable.
func WasiPollable(pollable uint32) (int, error) {
	fd, err := wasiNew(&wasiSocket{readable: pollable})
	if err == nil {
		wasiSetPollables(fd, pollable, 0)
	}
	return fd, err
}
