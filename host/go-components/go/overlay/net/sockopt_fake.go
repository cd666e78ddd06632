// In place of the standard library's file: options of sockets. Buffers and lingering are the host's.

//go:build js || wasip1

package net

import "syscall"

func setDefaultSockopts(s, family, sotype int, ipv6only bool) error { return nil }

func setDefaultListenerSockopts(s int) error { return nil }

func setDefaultMulticastSockopts(s int) error { return nil }

func setReadBuffer(fd *netFD, bytes int) error { return syscall.ENOPROTOOPT }

func setWriteBuffer(fd *netFD, bytes int) error { return syscall.ENOPROTOOPT }

func setLinger(fd *netFD, sec int) error { return syscall.ENOPROTOOPT }

func setKeepAlive(fd *netFD, keepalive bool) error {
	on := uint64(0)
	if keepalive {
		on = 1
	}
	return wasiSetOption(fd, syscall.WasiKeepAlive, on)
}
