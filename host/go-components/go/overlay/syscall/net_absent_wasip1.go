// A new file of package syscall: what wasi:sockets has and this overlay does not carry, or has not at all. Each is an error,
// and none is a network that only looks like one. The names that wasip1 lacks are here for modules that name them.

//go:build wasip1

package syscall

func Bind(fd int, address Sockaddr) error { return ENOTSUP }

func StopIO(fd int) error { return ENOTSUP }

func Listen(fd int, backlog int) error { return ENOTSUP }

func Accept(fd int) (int, Sockaddr, error) { return -1, nil, ENOTSUP }

func Recvfrom(fd int, p []byte, flags int) (n int, from Sockaddr, err error) { return 0, nil, ENOTSUP }

func Sendto(fd int, p []byte, flags int, to Sockaddr) error { return ENOTSUP }

func Recvmsg(fd int, p, oob []byte, flags int) (n, oobn, recvflags int, from Sockaddr, err error) {
	return 0, 0, 0, nil, ENOTSUP
}

func Sendmsg(fd int, p, oob []byte, to Sockaddr, flags int) error { return ENOTSUP }

func SendmsgN(fd int, p, oob []byte, to Sockaddr, flags int) (n int, err error) { return 0, ENOTSUP }

func GetsockoptInt(fd, level, opt int) (value int, err error) { return 0, ENOTSUP }

func SetsockoptInt(fd, level, opt int, value int) error { return ENOTSUP }

func SetReadDeadline(fd int, t int64) error { return ENOTSUP }

func SetWriteDeadline(fd int, t int64) error { return ENOTSUP }

// UnixRights would encode descriptors for a Unix socket, of which there are none.
func UnixRights(fds ...int) []byte { return nil }

// MSG_OOB would send bytes out of order.
const MSG_OOB = 1
