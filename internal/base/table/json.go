package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/table/internal/xlsx"
)

// jsonSource is a list of objects: one array of them, or one after another (NDJSON). Its columns are the names of all
// of them in the order they are met; an object inside an object gives columns "a.b", a list stays as JSON. RFC 8259.
type jsonSource struct {
	src   io.ReaderAt
	size  int64
	lim   Limits
	names []string
}

// maxObject bounds the text of one object in bytes.
const maxObject = 8 << 20

// maxDepth is how deep objects inside objects become columns; deeper ones stay as JSON.
const maxDepth = 3

// looksJSON reports whether a text begins as a list of objects does.
func looksJSON(begin []byte) bool {
	s := bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\xEF\xBB\xBF")), " \t\r\n")
	if len(s) == 0 || s[0] != '[' && s[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(s[1:], " \t\r\n")
	if s[0] == '[' {
		return len(rest) > 0 && (rest[0] == '{' || rest[0] == ']')
	}
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

func openJSON(src io.ReaderAt, size int64, lim Limits) (*jsonSource, error) {
	j := &jsonSource{src: src, size: size, lim: lim}
	seen := map[string]bool{}
	over := false
	err := j.objects(func(n int, o *object) bool {
		for _, f := range o.fields {
			if !seen[f.name] {
				if len(j.names) == lim.MaxColumns {
					over = true
					return false
				}
				seen[f.name] = true
				j.names = append(j.names, f.name)
			}
		}
		return true
	})
	if over {
		return nil, errs.New(errs.TooLarge, "table.columns", lim.MaxColumns)
	}
	if err == nil && len(j.names) == 0 {
		err = errs.New(errs.Invalid, "table.no_rows")
	}
	return j, err
}

func (j *jsonSource) close() error { return nil }

// rows gives the names as row 1 and the first object as row 2.
func (j *jsonSource) rows(yield xlsx.Yield) error {
	if !yield(1, append([]string(nil), j.names...), nil) {
		return nil
	}
	place := make(map[string]int, len(j.names))
	for i, n := range j.names {
		place[n] = i
	}
	return j.objects(func(n int, o *object) bool {
		cells := make([]string, len(j.names))
		var why []errs.Field
		for _, f := range o.fields {
			if len([]rune(f.text)) > j.lim.MaxCell {
				why = append(why, errs.Field{Row: n + 1, Name: f.name, Key: "table.cell_long", Args: []any{f.name, j.lim.MaxCell}})
				continue
			}
			if at, ok := place[f.name]; ok {
				cells[at] = f.text
			}
		}
		return yield(n+1, cells, why)
	})
}

// field is one value of an object, as text.
type field struct{ name, text string }

type object struct{ fields []field }

// objects goes through all of them, numbered from 1, until take says no.
func (j *jsonSource) objects(take func(n int, o *object) bool) error {
	in := &metered{r: bufio.NewReaderSize(io.NewSectionReader(j.src, 0, j.size), 256<<10)}
	if b, err := in.r.Peek(3); err == nil && bytes.Equal(b, []byte("\xEF\xBB\xBF")) {
		_, _ = in.r.Discard(3)
	}
	d := json.NewDecoder(in)
	array := false
	if b := first(in.r); b == '[' {
		array = true
		in.left = maxObject
		if _, err := d.Token(); err != nil {
			return jsonFailed(err, 1)
		}
	}
	for n := 1; ; n++ {
		in.left = maxObject
		if array && !d.More() {
			in.left = maxObject
			if _, err := d.Token(); err != nil {
				return jsonFailed(err, n)
			}
			return nil
		}
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) && !array {
			return nil
		}
		if err != nil {
			return jsonFailed(err, n)
		}
		o := &object{}
		if len(raw) == 0 || raw[0] != '{' || o.add("", raw, 1) != nil {
			return errs.New(errs.Invalid, "table.json_row", n)
		}
		if !take(n, o) {
			return nil
		}
	}
}

// first is the first byte that is no white space, which is left in place; 0 when there is none near.
func first(r *bufio.Reader) byte {
	b, _ := r.Peek(4096)
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func jsonFailed(err error, n int) error {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.New(errs.Invalid, "table.truncated")
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errs.New(errs.Invalid, "table.json_row", n)
	}
	return readFailed(err)
}

// metered refuses to read one object that never ends into memory.
type metered struct {
	r    *bufio.Reader
	left int
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errs.New(errs.TooLarge, "table.json_long", maxObject>>20)
	}
	n, err := m.r.Read(p[:min(len(p), 64<<10)])
	m.left -= n
	return n, err
}

// add puts the fields of an object behind those there are. Of a name that comes twice the last holds.
func (o *object) add(before string, raw []byte, depth int) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return err
		}
		name = before + strings.TrimSpace(name)
		if v[0] == '{' && depth < maxDepth && len(bytes.TrimSpace(v[1:len(v)-1])) > 0 {
			if err := o.add(name+".", v, depth+1); err != nil {
				return err
			}
			continue
		}
		o.fields = append(o.fields, field{name, jsonText(v)})
	}
	return nil
}

// jsonText is a value as a cell: texts without quotes, null as nothing, lists and objects as they stand.
func jsonText(v json.RawMessage) string {
	switch v[0] {
	case '"':
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
	case 'n':
		return ""
	case '[', '{':
		var b bytes.Buffer
		if json.Compact(&b, v) == nil {
			return b.String()
		}
	}
	return plainNumber(string(v))
}

// plainNumber takes the exponent out of a number, which people's tables do not have.
func plainNumber(s string) string {
	i := strings.IndexAny(s, "eE")
	if i < 0 || s == "true" || s == "false" {
		return s
	}
	var shift int
	if err := json.Unmarshal([]byte(strings.TrimPrefix(s[i+1:], "+")), &shift); err != nil || shift > 40 || shift < -40 {
		return s
	}
	sign, mantissa := "", s[:i]
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits, point := whole+frac, len(whole)+shift
	if point <= 0 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	if point >= len(digits) {
		return sign + digits + strings.Repeat("0", point-len(digits))
	}
	return sign + digits[:point] + "." + digits[point:]
}
