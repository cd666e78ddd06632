// In place of the standard library's file, which keeps a network inside the process: TCP connections on the sockets of the
// syscall overlay. What they do not carry (listening, datagrams, Unix sockets) is ENOTSUP.

//go:build js || wasip1

package net

import (
	"context"
	"os"
	"syscall"
	"time"
)

// socket connects. The dialer has looked the name up and chosen a family.
func socket(ctx context.Context, net string, family, sotype, proto int, ipv6only bool, laddr, raddr sockaddr, ctrlCtxFn func(context.Context, string, string, syscall.RawConn) error) (*netFD, error) {
	remote, tcp := raddr.(*TCPAddr)
	if !tcp || remote == nil || sotype != syscall.SOCK_STREAM || ctrlCtxFn != nil {
		return nil, os.NewSyscallError("socket", syscall.ENOTSUP)
	}
	address, err := remote.sockaddr(family)
	if err != nil {
		return nil, err
	}
	s, err := syscall.Socket(family, sotype, proto)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	fd := newFD(net, s)
	fd.family, fd.sotype = family, sotype
	if err := fd.init(); err != nil {
		fd.Close()
		return nil, err
	}
	if err := fd.connect(ctx, address); err != nil {
		fd.Close()
		return nil, err
	}
	fd.isConnected = true
	var local Addr = &TCPAddr{}
	if a := syscall.WasiLocalAddress(s); a != nil {
		local = sockaddrToTCP(a)
	}
	fd.setAddr(local, remote)
	return fd, nil
}

// connect waits for the connection, the context's deadline or its end.
func (fd *netFD) connect(ctx context.Context, address syscall.Sockaddr) (err error) {
	if err := syscall.Connect(fd.pfd.Sysfd, address); err != nil {
		return os.NewSyscallError("connect", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		fd.pfd.SetWriteDeadline(deadline)
		defer fd.pfd.SetWriteDeadline(time.Time{})
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { fd.pfd.SetWriteDeadline(time.Unix(1, 0)) })
		defer func() {
			if !stop() && err == nil {
				err = mapErr(ctx.Err())
			}
		}()
	}
	for {
		if err := fd.pfd.WaitWrite(); err != nil {
			if ctx.Err() != nil {
				return mapErr(ctx.Err())
			}
			return err
		}
		if err := syscall.WasiFinishConnect(fd.pfd.Sysfd); err != syscall.EAGAIN {
			return os.NewSyscallError("connect", err)
		}
	}
}

// sysSocket is how package net finds out whether there are IPv4 and IPv6: both, and the host decides about each address.
func sysSocket(family, sotype, proto int) (int, error) { return -1, syscall.ENOTSUP }

// fakeNetFD would be a socket of the network inside the process. There is none: every netFD has nil here.
type fakeNetFD struct{}

func (*fakeNetFD) Read(p []byte) (int, error)         { return 0, syscall.ENOTSUP }
func (*fakeNetFD) Write(p []byte) (int, error)        { return 0, syscall.ENOTSUP }
func (*fakeNetFD) Close() error                       { return syscall.ENOTSUP }
func (*fakeNetFD) closeRead() error                   { return syscall.ENOTSUP }
func (*fakeNetFD) closeWrite() error                  { return syscall.ENOTSUP }
func (*fakeNetFD) accept(laddr Addr) (*netFD, error)  { return nil, syscall.ENOTSUP }
func (*fakeNetFD) SetDeadline(t time.Time) error      { return syscall.ENOTSUP }
func (*fakeNetFD) SetReadDeadline(t time.Time) error  { return syscall.ENOTSUP }
func (*fakeNetFD) SetWriteDeadline(t time.Time) error { return syscall.ENOTSUP }
func (*fakeNetFD) dup() (*os.File, error)             { return nil, syscall.ENOTSUP }

func (*fakeNetFD) readFrom(p []byte) (int, syscall.Sockaddr, error) { return 0, nil, syscall.ENOTSUP }

func (*fakeNetFD) readFromInet4(p []byte, sa *syscall.SockaddrInet4) (int, error) {
	return 0, syscall.ENOTSUP
}

func (*fakeNetFD) readFromInet6(p []byte, sa *syscall.SockaddrInet6) (int, error) {
	return 0, syscall.ENOTSUP
}

func (*fakeNetFD) readMsg(p, oob []byte, flags int) (int, int, int, syscall.Sockaddr, error) {
	return 0, 0, 0, nil, syscall.ENOTSUP
}

func (*fakeNetFD) readMsgInet4(p, oob []byte, flags int, sa *syscall.SockaddrInet4) (int, int, int, error) {
	return 0, 0, 0, syscall.ENOTSUP
}

func (*fakeNetFD) readMsgInet6(p, oob []byte, flags int, sa *syscall.SockaddrInet6) (int, int, int, error) {
	return 0, 0, 0, syscall.ENOTSUP
}

func (*fakeNetFD) writeMsg(p, oob []byte, sa syscall.Sockaddr) (int, int, error) {
	return 0, 0, syscall.ENOTSUP
}

func (*fakeNetFD) writeMsgInet4(p, oob []byte, sa *syscall.SockaddrInet4) (int, int, error) {
	return 0, 0, syscall.ENOTSUP
}

func (*fakeNetFD) writeMsgInet6(p, oob []byte, sa *syscall.SockaddrInet6) (int, int, error) {
	return 0, 0, syscall.ENOTSUP
}

func (*fakeNetFD) writeTo(p []byte, sa syscall.Sockaddr) (int, error) { return 0, syscall.ENOTSUP }

func (*fakeNetFD) writeToInet4(p []byte, sa *syscall.SockaddrInet4) (int, error) {
	return 0, syscall.ENOTSUP
}

func (*fakeNetFD) writeToInet6(p []byte, sa *syscall.SockaddrInet6) (int, error) {
	return 0, syscall.ENOTSUP
}
