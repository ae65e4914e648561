package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"qushu/internal/base/errs"
)

// Params are the costs of argon2id (RFC 9106).
type Params struct {
	MemoryKiB uint32 // memory of one hash
	Time      uint32 // passes over it
	Threads   uint8  // lanes
}

// DefaultParams cost about 50 ms of one core of a small server (measured: BenchmarkPassword), two and a half times
// what OWASP asks for at least (19 MiB, two passes, one lane: 20 ms).
func DefaultParams() Params { return Params{MemoryKiB: 32 << 10, Time: 3, Threads: 1} }

const (
	passwordSalt = 16
	passwordHash = 32
	passwordMax  = 1024 // bytes; a policy asks for far less, this only bounds the work
)

// Hasher hashes and checks passwords, a few at a time: a rush of sign-ins waits instead of taking every core and
// 32 MiB each. It is safe for concurrent use.
type Hasher struct {
	params Params
	slots  chan struct{}
	dummy  phc // what an account that does not exist is checked against
}

// NewHasher returns a Hasher with at most slots hashes at once; 0 means half of the processors.
func NewHasher(p Params, slots int) *Hasher {
	if slots <= 0 {
		slots = max(1, runtime.GOMAXPROCS(0)/2)
	}
	h := &Hasher{params: p, slots: make(chan struct{}, slots)}
	h.dummy = phc{Params: p, salt: make([]byte, passwordSalt), sum: make([]byte, passwordHash)}
	return h
}

// Hash returns the PHC text of pw: $argon2id$v=19$m=…,t=…,p=…$salt$hash. Errors: secret.busy when ctx ends before a
// slot is free (errors.Is tells the reason of ctx), secret.password_too_long.
func (h *Hasher) Hash(ctx context.Context, pw string) (string, error) {
	if len(pw) > passwordMax {
		return "", errs.New(errs.Invalid, "secret.password_too_long", passwordMax)
	}
	p := phc{Params: h.params, salt: make([]byte, passwordSalt)}
	rand.Read(p.salt)
	var err error
	if p.sum, err = h.derive(ctx, p, pw, passwordHash); err != nil {
		return "", err
	}
	return p.String(), nil
}

// Check reports whether pw is the password behind hash, and whether hash was made with other costs than today's, so
// that the caller hashes pw anew. hash "" stands for an account that does not exist or has no password: the check
// costs the same and is never ok. Errors: secret.busy as in Hash, secret.bad_hash when hash is damaged.
func (h *Hasher) Check(ctx context.Context, hash, pw string) (ok, rehash bool, err error) {
	p := h.dummy
	if hash != "" {
		if p, err = parsePHC(hash); err != nil {
			return false, false, errs.Wrap(err, errs.Internal, "secret.bad_hash")
		}
	}
	long := len(pw) > passwordMax
	if long {
		pw = pw[:passwordMax] // refused below, at the usual cost
	}
	sum, err := h.derive(ctx, p, pw, len(p.sum))
	if err != nil {
		return false, false, err
	}
	same := subtle.ConstantTimeCompare(sum, p.sum) == 1
	ok = same && hash != "" && !long
	return ok, ok && p.Params != h.params, nil
}

// derive runs argon2id once a slot is free. It cannot be stopped half-way, so ctx counts only until then.
func (h *Hasher) derive(ctx context.Context, p phc, pw string, size int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, errs.Wrap(err, errs.Busy, "secret.busy")
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, errs.Wrap(ctx.Err(), errs.Busy, "secret.busy")
	}
	b := []byte(pw)
	defer clear(b) // GB/T 22239-2019 8.1.4.10: wipe authentication information before the memory is used again
	return argon2.IDKey(b, p.salt, p.Time, p.MemoryKiB, p.Threads, uint32(size)), nil
}

// phc is a parsed hash in the PHC string format.
type phc struct {
	Params
	salt, sum []byte
}

var phcText = base64.RawStdEncoding

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.MemoryKiB, p.Time, p.Threads,
		phcText.EncodeToString(p.salt), phcText.EncodeToString(p.sum))
}

// parsePHC reads what String wrote, in exactly that form, with costs up to 1 GiB and 64 passes: a damaged row must
// not take the machine down.
func parsePHC(s string) (phc, error) {
	bad := errors.New("not an argon2id hash in PHC form")
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, bad
	}
	var p phc
	cost := strings.Split(f[3], ",")
	if len(cost) != 3 {
		return phc{}, bad
	}
	var n [3]uint64
	for i, name := range [...]string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(cost[i], name)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || v < 1 {
			return phc{}, bad
		}
		n[i] = v
	}
	if n[0] > 1<<20 || n[1] > 64 || n[2] > 64 || n[0] < 8*n[2] {
		return phc{}, errors.New("costs out of range")
	}
	p.Params = Params{MemoryKiB: uint32(n[0]), Time: uint32(n[1]), Threads: uint8(n[2])}
	var err1, err2 error
	p.salt, err1 = decodeText(phcText, f[4])
	p.sum, err2 = decodeText(phcText, f[5])
	if err1 != nil || err2 != nil || len(p.salt) < 8 || len(p.salt) > 64 || len(p.sum) < 16 || len(p.sum) > 64 {
		return phc{}, bad
	}
	return p, nil
}
