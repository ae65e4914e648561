package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/secret"
)

// Bounds of one entry, in bytes. What comes from outside must not make a row that cannot be exported in a line.
const (
	maxText   = 2 << 10
	maxDetail = 32 << 10
	maxExact  = 1 << 53 // the largest integer a float64 holds exactly
)

// clean cuts over-long texts and takes out what PostgreSQL refuses in TEXT (NUL, broken UTF-8): the
// title of a hostile file must not be able to stop the change that is being recorded.
func (r *Row) clean() {
	for _, s := range []*string{&r.Person, &r.Account, &r.Name, &r.Unit, &r.Post, &r.Session, &r.IP, &r.Agent, &r.Trace,
		&r.Action, &r.Object, &r.ObjectID, &r.Title, &r.Purpose} {
		*s = tidy(*s)
	}
}

func tidy(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return s
}

// settle brings detail into the form in which it comes back from a JSON column of either engine, so that the
// canonical text of the row read equals that of the row written.
func settle(detail map[string]any) (map[string]any, error) {
	if len(detail) == 0 {
		return map[string]any{}, nil
	}
	b, err := json.Marshal(detail)
	if err != nil {
		return nil, fmt.Errorf("audit: detail: %w", err)
	}
	if len(b) > maxDetail {
		return map[string]any{"bytes": float64(len(b)), "sm3": secret.SM3Hex(b)}, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("audit: detail: %w", err)
	}
	return settled(v).(map[string]any), nil
}

func settled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[strings.ReplaceAll(k, "\x00", "")] = settled(x)
		}
		return out
	case []any:
		for i := range v {
			v[i] = settled(v[i])
		}
		return v
	case string:
		return strings.ReplaceAll(v, "\x00", "")
	case json.Number:
		f, err := v.Float64()
		whole := !strings.ContainsAny(v.String(), ".eE")
		if err != nil || whole && (f <= -maxExact || f >= maxExact) {
			return v.String() // an integer a float would round: kept exactly, as text
		}
		if f == 0 {
			return float64(0) // PostgreSQL knows no -0
		}
		return f
	}
	return v
}
