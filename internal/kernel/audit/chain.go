package audit

import (
	"encoding/json"
	"fmt"
	"strconv"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
)

// genesis is h_0 = SM3("genesis"), the hash before the first record.
func genesis() string { return secret.SM3Hex([]byte("genesis")) }

// link is h_i = SM3(hex(h_{i-1}) + "\n" + record_i).
func link(prev, record string) string { return secret.SM3Hex([]byte(prev + "\n" + record)) }

// record is what is chained of a row: its place and its canonical text.
func record(seq int64, text string) string { return strconv.FormatInt(seq, 10) + "|" + text }

// head is the end of the chain: the place and hash of its last record; 0 and genesis when empty.
type head struct {
	Seq  int64
	Hash string
}

// Root is a signed statement that the chain reached a place with a hash: what lies before it cannot be
// rewritten, and what it names cannot be cut off, without the signing key.
type Root struct {
	ID    int64      `json:"id" doc:"1, 2, 3 … without gaps"`
	Kind  string     `json:"kind" enum:"day,hour,asked" doc:"the first of a civil day, of an hour with new records, or asked for"`
	From  int64      `json:"from" doc:"first record since the root before"`
	To    int64      `json:"to" doc:"last record; from-1 when there was none"`
	Count int64      `json:"count"`
	Head  string     `json:"head" doc:"hash of the last record"`
	At    store.Time `json:"at"`
	Key   string     `json:"key" doc:"id of the signing key"`
	Sig   string     `json:"sig" doc:"SM2 with SM3, ASN.1, base64"`
}

// Kinds of roots.
const (
	rootDay   = "day"
	rootHour  = "hour"
	rootAsked = "asked"
)

// Canonical is the text that is signed.
func (r Root) Canonical() string {
	return canonical("qushu-audit-root/1", r.ID, r.Kind, r.From, r.To, r.Count, r.Head, r.At.UnixMicro())
}

// canonical is a JSON array of numbers and texts, which always marshals.
func canonical(parts ...any) string {
	b, err := json.Marshal(parts)
	if err != nil {
		panic(fmt.Sprintf("audit: %v", err)) // only numbers and texts come here
	}
	return string(b)
}
