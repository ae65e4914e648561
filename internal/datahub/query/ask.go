package query

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
)

// State is how far a run or an export is.
type State string

// The states.
const (
	Running   State = "running"
	Queued    State = "queued"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// engine is whose SQL a saved question is written in.
const engine = "duckdb"

// Run is one question as it was asked.
type Run struct {
	ID         string
	Origin     string
	Saved      string
	State      State
	sealed     string
	Digest     string
	Sources    []Source
	Personal   bool
	Purpose    string
	Rows       int64
	Millis     int64
	Fault      Reason
	Person     string
	PersonName string
	Unit       string
	At         store.Time
}

// said is what a run keeps under seal.
type said struct {
	SQL    string
	Params []Param
	AsOf   store.Time
}

func placeOf(run string) string { return "query_run.sealed/" + run }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Source is a dataset an answer came from, down to the file that made it.
type Source struct {
	ID       string     `json:"id" doc:"of the dataset"`
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	Unit     string     `json:"unit" doc:"id of the unit that answers for it"`
	Number   int64      `json:"number" doc:"version that answered"`
	Version  string     `json:"version" doc:"id of that version"`
	Rows     int64      `json:"rows" doc:"of that version"`
	Updated  store.Time `json:"updatedAt"`
	File     string     `json:"file" doc:"name of the file the version was made from"`
	LoadedBy string     `json:"loadedBy" doc:"id of the person who loaded it"`
	Loaded   store.Time `json:"loadedAt"`
	Columns  []string   `json:"columns" nullable:"false" doc:"titles of the columns used"`
	Part     bool       `json:"part" doc:"only the rows granted to the caller"`
	Past     bool       `json:"past" doc:"an older version than the one that served when it was asked"`
}

// Reason is why a run or an export failed.
type Reason struct {
	Key  string   `json:"key,omitempty"`
	Args []string `json:"args,omitempty"`
}

// reason keeps of an error what people may read again.
func reason(err error) Reason {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Kind == errs.Internal {
		return Reason{Key: "query.broken"}
	}
	out := Reason{Key: e.Key}
	for _, a := range e.Args {
		out.Args = append(out.Args, fmt.Sprint(a))
	}
	return out
}

// Param is a value that is put in for "$name".
type Param struct {
	Name    string         `json:"name" pattern:"^[\\p{L}_][\\p{L}\\p{N}_]*$" maxLength:"40"`
	Title   string         `json:"title" required:"false" maxLength:"100"`
	Kind    warehouse.Kind `json:"kind" enum:"text,integer,decimal,date,datetime,boolean"`
	Value   string         `json:"value" required:"false" maxLength:"500" doc:"its value, or the one it has unless another is given"`
	Options []string       `json:"options" required:"false" nullable:"false" maxItems:"100" doc:"values to choose from, any when empty"`
}

// value reads the parameter's value; blank is NULL.
func (p Param) value() (any, error) {
	c := dataset.Column{Name: p.Name, Title: p.Title, Type: warehouse.Type{Kind: p.Kind}}
	if p.Kind == warehouse.KindDecimal {
		c.Type = warehouse.DecimalType(38, 6)
	}
	v, err := c.Value(p.Value)
	if err != nil {
		return nil, errs.New(errs.Invalid, "query.param", p.called()).With(field("params."+p.Name, err))
	}
	return v, nil
}

func (p Param) called() string {
	if p.Title != "" {
		return p.Title
	}
	return p.Name
}

// field is an error tied to a field of the input.
func field(name string, err error) errs.Field {
	f := errs.Field{Name: name, Key: errs.KeyOf(err)}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		f.Args = e.Args
	}
	return f
}

// values reads parameters by name.
func values(params []Param) (map[string]any, error) {
	out := map[string]any{}
	for _, p := range params {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out[p.Name] = v
	}
	return out, nil
}

// given puts values that came with a call into the parameters of a saved question. A name it does not have is Invalid.
func given(params []Param, from map[string]string) ([]Param, error) {
	out := append([]Param(nil), params...)
	for name, v := range from {
		known := false
		for i := range out {
			if out[i].Name == name {
				out[i].Value, known = v, true
			}
		}
		if !known {
			return nil, errs.New(errs.Invalid, "query.no_param", name)
		}
	}
	return out, nil
}

// why checks the purpose of a question about personal data.
func why(purpose string) (string, error) {
	purpose = strings.Join(strings.Fields(purpose), " ")
	seen := map[rune]bool{}
	for _, r := range purpose {
		seen[r] = true
	}
	if utf8.RuneCountInString(purpose) < 4 || len(seen) < 3 {
		return "", errs.New(errs.Invalid, "query.purpose").With(errs.Field{Name: "purpose", Key: "query.purpose_short"})
	}
	return purpose, nil
}

// stale is how long after its time a run still counts as running: a replica that died leaves its slot taken.
const stale = 30 * time.Second
