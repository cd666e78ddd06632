// In place of the standard library's file: options of TCP.

//go:build js || wasip1

package net

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// The host has TCP_NODELAY on all sockets, and WASI has no way to turn it off.
func setNoDelay(fd *netFD, noDelay bool) error { return nil }

// As on other systems: 0 is Go's default, less than 0 leaves the system's.

func setKeepAliveIdle(fd *netFD, d time.Duration) error {
	return wasiSetKeepAliveTime(fd, syscall.WasiKeepAliveIdle, d, defaultTCPKeepAliveIdle)
}

func setKeepAliveInterval(fd *netFD, d time.Duration) error {
	return wasiSetKeepAliveTime(fd, syscall.WasiKeepAliveInterval, d, defaultTCPKeepAliveInterval)
}

func setKeepAliveCount(fd *netFD, n int) error {
	if n < 0 {
		return nil
	}
	if n == 0 {
		n = defaultTCPKeepAliveCount
	}
	return wasiSetOption(fd, syscall.WasiKeepAliveCount, uint64(n))
}

func wasiSetKeepAliveTime(fd *netFD, option int, d, unset time.Duration) error {
	if d < 0 {
		return nil
	}
	if d == 0 {
		d = unset
	}
	return wasiSetOption(fd, option, uint64(d))
}

func wasiSetOption(fd *netFD, option int, value uint64) error {
	err := syscall.WasiSetOption(fd.pfd.Sysfd, option, value)
	runtime.KeepAlive(fd)
	return os.NewSyscallError("setsockopt", err)
}
