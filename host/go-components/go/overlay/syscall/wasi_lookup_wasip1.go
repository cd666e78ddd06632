// A new file of package syscall: names are looked up by the host, as descriptors that can be read when it has an answer.

//go:build wasip1

package syscall

import (
	"runtime"
	"unsafe"
)

// WasiLookup begins to look a name up: WasiLookupNext of the descriptor gives the addresses.
func WasiLookup(name string) (int, error) {
	result := (*[4]uint32)(wasiReturn[:4])
	wasi_lookup(wasiTheNetwork(), unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), result)
	runtime.KeepAlive(name)
	if result[0]&0xff != 0 {
		return -1, wasiError(result[1])
	}
	s := &wasiSocket{lookup: result[1]}
	fd, err := wasiNew(s)
	if err != nil {
		wasi_lookup_drop(s.lookup)
		return -1, err
	}
	s.readable = wasi_lookup_subscribe(s.lookup)
	wasiSetPollables(fd, s.readable, 0)
	return fd, nil
}

// WasiTemporaryFailure is what a lookup answers where asking again may help.
const WasiTemporaryFailure = ENETDOWN

// WasiLookupNext gives the next address, of 4 or 16 bytes, and nil after the last. EAGAIN: not yet.
func WasiLookupNext(fd int) ([]byte, error) {
	s := wasiFind(fd)
	if s == nil {
		return nil, EBADF
	}
	result := (*[8]uint32)(wasiReturn[:8])
	wasi_lookup_next(s.lookup, result)
	b := (*[32]byte)(unsafe.Pointer(result))
	if b[0] != 0 {
		if b[2] == 19 {
			return nil, WasiTemporaryFailure
		}
		return nil, wasiError(uint32(b[2]))
	}
	if b[2] == 0 {
		return nil, nil
	}
	if b[4] == 0 {
		return append([]byte(nil), b[6:10]...), nil
	}
	address := make([]byte, 16)
	wasiIPv6(address, b[6:])
	return address, nil
}
