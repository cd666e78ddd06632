// A new file of package net: how a goroutine waits for what only the host knows.

//go:build wasip1

package net

import (
	"internal/poll"
	"io"
	"syscall"
)

// wasiWait waits until the descriptor can be read.
func wasiWait(fd *poll.FD) error {
	waited := false
	return fd.RawRead(func(uintptr) bool {
		defer func() { waited = true }()
		return waited
	})
}

// WasiPollable lets goroutines wait for a pollable of the host.
type WasiPollable struct{ fd poll.FD }

// NewWasiPollable takes over the handle of a pollable.
func NewWasiPollable(handle uint32) (*WasiPollable, error) {
	s, err := syscall.WasiPollable(handle)
	if err != nil {
		return nil, err
	}
	p := &WasiPollable{fd: poll.FD{Sysfd: s}}
	if err := p.fd.Init("tcp", true); err != nil {
		p.fd.Close()
		return nil, err
	}
	return p, nil
}

// Wait waits until the pollable is ready.
func (p *WasiPollable) Wait() error { return wasiWait(&p.fd) }

// Close gives the pollable back.
func (p *WasiPollable) Close() error { return p.fd.Close() }

// WasiCheck looks at a connection that nobody uses: whether it has ended, and whether something has come that whoever uses it
// next would read. One that is no TCP connection is not looked at.
func WasiCheck(conn Conn) (data bool, err error) {
	ended := false
	c, ok := conn.(*TCPConn)
	if !ok || !c.ok() {
		return false, nil
	}
	err = c.fd.pfd.RawControl(func(fd uintptr) {
		switch syscall.WasiPeek(int(fd)) {
		case syscall.WasiData:
			data = true
		case syscall.WasiEnd:
			ended = true
		}
	})
	if err == nil && ended {
		err = io.EOF
	}
	return data, err
}
