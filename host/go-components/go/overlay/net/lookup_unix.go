// In place of the standard library's file: lookups. Addresses of a name are the host's to say. What would take datagrams to a
// name server (SRV, TXT and other records) is an error.

//go:build unix || js || wasip1

package net

import (
	"context"
	"internal/poll"
	"syscall"
	"time"
)

func lookupProtocol(_ context.Context, name string) (int, error) { return lookupProtocolMap(name) }

func (r *Resolver) lookupHost(ctx context.Context, host string) ([]string, error) {
	found, err := wasiLookup(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(found))
	for i := range found {
		names[i] = found[i].String()
	}
	return names, nil
}

func (r *Resolver) lookupIP(ctx context.Context, network, host string) ([]IPAddr, error) {
	return wasiLookup(ctx, network, host)
}

func (r *Resolver) lookupPort(ctx context.Context, network, service string) (int, error) {
	return goLookupPort(network, service)
}

func (r *Resolver) lookupCNAME(ctx context.Context, name string) (string, error) {
	return "", wasiNoRecords("CNAME", name)
}

func (r *Resolver) lookupSRV(ctx context.Context, service, proto, name string) (string, []*SRV, error) {
	return "", nil, wasiNoRecords("SRV", name)
}

func (r *Resolver) lookupMX(ctx context.Context, name string) ([]*MX, error) {
	return nil, wasiNoRecords("MX", name)
}

func (r *Resolver) lookupNS(ctx context.Context, name string) ([]*NS, error) {
	return nil, wasiNoRecords("NS", name)
}

func (r *Resolver) lookupTXT(ctx context.Context, name string) ([]string, error) {
	return nil, wasiNoRecords("TXT", name)
}

func (r *Resolver) lookupAddr(ctx context.Context, addr string) ([]string, error) {
	return nil, wasiNoRecords("PTR", addr)
}

func wasiNoRecords(kind, name string) error {
	return &DNSError{Err: kind + " records cannot be looked up in WebAssembly", Name: name}
}

// wasiLookup asks the host for the addresses of a name, within the context.
func wasiLookup(ctx context.Context, network, host string) ([]IPAddr, error) {
	s, err := syscall.WasiLookup(host)
	if err != nil {
		return nil, wasiLookupError(ctx, host, err)
	}
	fd := poll.FD{Sysfd: s}
	if err := fd.Init("tcp", true); err != nil {
		fd.Close()
		return nil, wasiLookupError(ctx, host, err)
	}
	defer fd.Close()
	if deadline, ok := ctx.Deadline(); ok {
		fd.SetReadDeadline(deadline)
	}
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() { fd.SetReadDeadline(time.Unix(1, 0)) })()
	}
	var found []IPAddr
	for {
		ip, err := syscall.WasiLookupNext(s)
		if err == syscall.EAGAIN {
			err = wasiWait(&fd)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return nil, wasiLookupError(ctx, host, err)
		}
		if ip == nil {
			break
		}
		if network == "ip4" && len(ip) != IPv4len || network == "ip6" && len(ip) != IPv6len {
			continue
		}
		found = append(found, IPAddr{IP: IP(ip)})
	}
	if len(found) == 0 {
		return nil, wasiLookupError(ctx, host, syscall.ENOENT)
	}
	return found, nil
}

func wasiLookupError(ctx context.Context, host string, err error) error {
	failure := &DNSError{Err: err.Error(), Name: host}
	switch {
	case err == syscall.ENOENT:
		failure.Err, failure.IsNotFound = errNoSuchHost.Error(), true
	case err == syscall.EACCES:
		failure.Err = "the host does not let this name be looked up"
	case err == syscall.WasiTemporaryFailure:
		failure.Err, failure.IsTemporary = "server misbehaving", true
	case ctx.Err() != nil:
		failure.UnwrapErr = mapErr(ctx.Err())
		failure.Err, failure.IsTimeout = failure.UnwrapErr.Error(), ctx.Err() == context.DeadlineExceeded
	case err == poll.ErrDeadlineExceeded:
		failure.Err, failure.IsTimeout = errTimeout.Error(), true
	}
	return failure
}
