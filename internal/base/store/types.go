package store

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Time is a time kept as microseconds since 1970 in a BIGINT column, 0 for none. In JSON it is
// RFC 3339 in UTC, null for none.
type Time struct{ time.Time }

// At makes a Time of t at the precision kept.
func At(t time.Time) Time { return Time{t.Truncate(time.Microsecond)} }

// Scan implements sql.Scanner.
func (t *Time) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return errors.New("store: time is not an integer")
	}
	t.Time = time.Time{}
	if n != 0 {
		t.Time = time.UnixMicro(n)
	}
	return nil
}

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return int64(0), nil
	}
	return t.UnixMicro(), nil
}

// MarshalJSON writes null for none.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().MarshalJSON()
}

// UnmarshalJSON reads null or "" as none.
func (t *Time) UnmarshalJSON(b []byte) error {
	if s := string(b); s == "null" || s == `""` {
		t.Time = time.Time{}
		return nil
	}
	if err := t.Time.UnmarshalJSON(b); err != nil {
		return fmt.Errorf("store: time: %w", err)
	}
	return nil
}

// Schema tells OpenAPI what the JSON is.
func (Time) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "string", Format: "date-time", Nullable: true}
}

// JSON keeps V as an object or array in a JSONB column. A bare number or string is refused: SQLite
// gives a JSONB column numeric affinity.
type JSON[T any] struct{ V T }

// Scan implements sql.Scanner.
func (j *JSON[T]) Scan(v any) error {
	var b []byte
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		b = []byte(v)
	case []byte:
		b = v
	default:
		return fmt.Errorf("store: json column holds %T", v)
	}
	return json.Unmarshal(b, &j.V)
}

// Into scans a JSON column into a plain field.
type Into[T any] struct{ To *T }

// Scan implements sql.Scanner.
func (i Into[T]) Scan(v any) error {
	var j JSON[T]
	err := j.Scan(v)
	*i.To = j.V
	return err
}

// Value implements driver.Valuer.
func (j JSON[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(j.V)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if len(b) > 0 && (b[0] == '{' || b[0] == '[') {
		return string(b), nil
	}
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Slice:
		return "[]", nil
	case reflect.Map, reflect.Pointer:
		return "{}", nil
	}
	return nil, fmt.Errorf("store: %s is neither object nor array", b)
}
