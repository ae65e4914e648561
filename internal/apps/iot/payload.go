package iot

import (
	"bytes"
	"encoding/json"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
)

// message is what a device says at one time.
type message struct {
	at     time.Time // zero for now
	dev    string    // "" where it does not say
	values map[string]float64
	bad    []string // names of values that are no numbers
}

// Bounds of one payload.
const (
	maxPayload  = 256 << 10
	maxMessages = 1000
	maxValues   = 200
)

// parse reads a payload: one message or an array of them,
//
//	{"ts": 1685581200, "values": {"depth": 27.5, "battery": 88}}
//
// ts is RFC 3339, "2006-01-02 15:04:05" of +08:00, or seconds, milliseconds or microseconds since 1970; without it the message is of
// now. A value is a number, true or false; what is neither is named in bad. "dev" may repeat the device's code.
func parse(payload []byte) ([]message, error) {
	if len(payload) > maxPayload {
		return nil, errs.New(errs.TooLarge, "iot.payload_large", maxPayload>>10)
	}
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 {
		return nil, errs.New(errs.Invalid, "iot.payload_empty")
	}
	type wire struct {
		Dev     string                     `json:"dev"`
		TS      json.RawMessage            `json:"ts"`
		Values  map[string]json.RawMessage `json:"values"`
		Battery json.RawMessage            `json:"battery"`
	}
	var all []wire
	if payload[0] == '[' {
		if err := json.Unmarshal(payload, &all); err != nil {
			return nil, errs.Wrap(err, errs.Invalid, "iot.payload_json")
		}
	} else {
		var one wire
		if err := json.Unmarshal(payload, &one); err != nil {
			return nil, errs.Wrap(err, errs.Invalid, "iot.payload_json")
		}
		all = []wire{one}
	}
	if len(all) > maxMessages {
		return nil, errs.New(errs.TooLarge, "iot.payload_many", maxMessages)
	}
	out := make([]message, 0, len(all))
	for _, w := range all {
		if len(w.Values) > maxValues {
			return nil, errs.New(errs.TooLarge, "iot.payload_wide", maxValues)
		}
		m := message{dev: w.Dev, values: make(map[string]float64, len(w.Values)+1)}
		var err error
		if m.at, err = moment(w.TS); err != nil {
			return nil, err
		}
		if len(w.Battery) > 0 {
			m.take("battery", w.Battery)
		}
		for name, raw := range w.Values {
			m.take(name, raw)
		}
		sort.Strings(m.bad)
		out = append(out, m)
	}
	return out, nil
}

func (m *message) take(name string, raw json.RawMessage) {
	v, ok := value(raw)
	if !ok {
		m.bad = append(m.bad, name)
		return
	}
	m.values[name] = v
}

// value reads a number, also one in quotes, or a yes or no.
func value(raw json.RawMessage) (float64, bool) {
	s := strings.Trim(string(raw), `"`)
	switch s {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) && !strings.ContainsAny(s, "xX_pP")
}

// civil is the time of the district.
var civil = time.FixedZone("+08:00", 8*3600)

// moment reads a time in one of the ways devices write it.
func moment(raw json.RawMessage) (time.Time, error) {
	s := strings.Trim(string(bytes.TrimSpace(raw)), `"`)
	if s == "" || s == "null" {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
		switch a := math.Abs(n); {
		case a < 1e11: // seconds until the year 5138
			return time.UnixMicro(int64(n * 1e6)), nil
		case a < 1e14:
			return time.UnixMicro(int64(n * 1e3)), nil
		case a < 1e17:
			return time.UnixMicro(int64(n)), nil
		}
		return time.Time{}, errs.New(errs.Invalid, "iot.payload_time", cut(s))
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, s, civil); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errs.New(errs.Invalid, "iot.payload_time", cut(s))
}

// cut keeps what a device sent short enough to be shown.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
