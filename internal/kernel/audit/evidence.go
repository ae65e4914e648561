package audit

import (
	"context"
	"encoding/base64"
	"encoding/pem"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
)

// Ref is a thing that records are about.
type Ref struct{ Object, ID string }

// Mention is what may be said of a record outside the audit: where the call came from stays with the auditor, whose
// record is found by its place and hash.
type Mention struct {
	Seq    int64      `json:"seq"` // 0: not chained yet
	At     store.Time `json:"at"`
	Name   string     `json:"name"`
	Action string     `json:"action"`
	Result Result     `json:"result"`
	Hash   string     `json:"hash"`
}

// About lists the records about some things, oldest first, and the newest root: those up to its last stand under it. The
// zero Root when there is none yet.
func (l *Log) About(ctx context.Context, q store.Queryer, things ...Ref) ([]Mention, Root, error) {
	var one []store.Cond
	for _, t := range things {
		one = append(one, store.C("object = $1 AND object_id = $2", t.Object, t.ID))
	}
	where := store.Or(one...)
	all, err := store.All(ctx, q, func(m *Mention) []any { return []any{&m.Seq, &m.At, &m.Name, &m.Action, &m.Result, &m.Hash} },
		`SELECT coalesce(seq, 0), at, name, action, result, coalesce(hash, '') FROM audit LEFT JOIN audit_link ON record = id WHERE `+where.SQL+` ORDER BY at, id`, where.Args...)
	if err != nil {
		return nil, Root{}, err
	}
	root, err := newestRoot(ctx, q, "")
	return all, root, err
}

// Sign signs a text that leaves the house, as roots are signed.
func (l *Log) Sign(text []byte) (key, sig string, err error) {
	key, b, err := l.ring.Sign(text)
	return key, base64.StdEncoding.EncodeToString(b), err
}

// Genuine reports whether one of the keys of PEM texts signed a text.
func Genuine(text []byte, sig string, texts ...[]byte) bool {
	b, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		return false
	}
	for _, t := range texts {
		for block, rest := pem.Decode(t); block != nil; block, rest = pem.Decode(rest) {
			if secret.VerifyWith(pem.EncodeToMemory(block), text, b) == nil {
				return true
			}
		}
	}
	return false
}
