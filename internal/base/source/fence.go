package source

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"qushu/internal/base/errs"
)

// dialFor is how long a source may take to answer at all.
const dialFor = 10 * time.Second

// Fence says which addresses may be reached, and where watched folders stand.
type Fence struct {
	// Hosts are networks ("10.0.0.0/8"), addresses, and names ("db.example.cn", "*.example.cn").
	Hosts []string
	// Root is the one folder below which folders are watched, "" for none.
	Root string
	// Temp is where files are put while they are read, "" for the system's folder.
	Temp string
}

// lookup is done once, and what is dialled is what was looked at: a name cannot answer differently a moment later.
func (f Fence) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, errs.New(errs.Invalid, "source.bad_host")
	}
	d := net.Dialer{Timeout: dialFor, Control: func(_, address string, _ syscall.RawConn) error { return f.allows(host, address) }}
	return d.DialContext(ctx, network, net.JoinHostPort(host, port))
}

// allows says why address, which host stands for, may not be reached.
func (f Fence) allows(host, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errs.New(errs.Denied, "source.fenced", host)
	}
	ip := at.Addr().Unmap()
	for _, h := range f.Hosts {
		h = strings.TrimSpace(h)
		if net, err := netip.ParsePrefix(h); err == nil && net.Contains(ip) {
			return nil
		}
		if one, err := netip.ParseAddr(h); err == nil && one == ip {
			return nil
		}
		// A name vouches for no address of this machine, and for none where clouds keep their keys (169.254.169.254).
		if named(h, host) && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !ip.IsUnspecified() && !ip.IsMulticast() {
			return nil
		}
	}
	return errs.New(errs.Denied, "source.fenced", host)
}

// named reports whether rule is the name host, or a pattern "*.x" it matches.
func named(rule, host string) bool {
	rule, host = strings.ToLower(rule), strings.ToLower(strings.TrimSuffix(host, "."))
	if tail, ok := strings.CutPrefix(rule, "*."); ok {
		return strings.HasSuffix(host, "."+tail)
	}
	return rule == host && rule != ""
}

// address is host and port.
func (s Spec) address() string {
	port := s.Port
	if port == 0 {
		port = s.Kind.Usual()
	}
	return net.JoinHostPort(strings.TrimSpace(s.Host), strconv.Itoa(port))
}
