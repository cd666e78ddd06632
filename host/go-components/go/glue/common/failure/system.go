package failure

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"syscall"
)

// ofSystem knows the types of Go's own library.
func ofSystem(err error) (Kind, bool) {
	var name *net.DNSError
	var operation *net.OpError
	var safe interface{ SafeToRetry() bool }
	switch {
	case errors.As(err, &name):
		return NotReached, true
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM), errors.Is(err, fs.ErrPermission):
		return Denied, true
	case errors.As(err, &operation) && operation.Op == "dial", isOneOf(err, unreached):
		return NotReached, true
	case errors.As(err, &safe) && safe.SafeToRetry():
		return NotReached, true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), isTimeout(err), isOneOf(err, lost):
		return Lost, true
	default:
		return Unknown, false
	}
}

var unreached = []error{
	syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EMFILE,
}

var lost = []error{
	io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT,
}

func isOneOf(err error, kinds []error) bool {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
