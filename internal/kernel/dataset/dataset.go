// Package dataset keeps whatever is data (资源): what a dataset is called, what its columns hold and how
// sensitive they are, which warehouse version serves, and whom it is shared with.
//
// A dataset of kind table stands on a version of the warehouse: the version is written first, Publish
// names it in the caller's transaction, and what no row names is collected a day later. One of kind live
// is a function of a room (Declare) that a unit has taken up (TakeUp). What asks speaks to both alike.
package dataset

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
)

// Level is how sensitive data is, by the four-level practice for public data under GB/T 43697-2024.
type Level string

// The levels, low to high.
const (
	L1 Level = "L1" // 公开
	L2 Level = "L2" // 内部
	L3 Level = "L3" // 敏感
	L4 Level = "L4" // 高敏感
)

// Levels lists them, low to high. They compare as texts.
var Levels = [...]Level{L1, L2, L3, L4}

// Column is one column as catalogued.
type Column struct {
	Name   string         `json:"name" maxLength:"64" doc:"what programs call it: letters of any script, digits, underscores"`
	Title  string         `json:"title" minLength:"1" maxLength:"100"`
	Type   warehouse.Type `json:"type" doc:"text, integer, decimal(p,s), date, datetime or boolean"`
	Key    bool           `json:"key" required:"false" doc:"rows are looked up by it"`
	Kind   codes.Kind     `json:"kind" required:"false" enum:",name,id,id_strict,mobile,phone,address,bank,email,plate,birth,uscc,household,other" doc:"sort of personal data, empty for none"`
	Level  Level          `json:"level" enum:"L1,L2,L3,L4"`
	Masked bool           `json:"masked" required:"false" doc:"shown masked unless revealed"`
	Keep   Keep           `json:"keep,omitempty" required:"false" enum:",plain,sealed,hashed" doc:"how values lie on disk: as they are, encrypted, or as a keyed hash that nobody reads again; empty for as the rules say"`
}

// Classify returns the level a column of kind has by default, and whether it is masked.
func Classify(kind codes.Kind) (Level, bool) {
	switch kind {
	case "":
		return L2, false
	case codes.KindUSCC: // public for organisations
		return L1, false
	}
	return L3, true
}

// guarded are the kinds that are always masked and at least L3: what identifies a person or opens an account.
func guarded(kind codes.Kind) bool {
	return kind == codes.KindID || kind == codes.KindIDStrict || kind == codes.KindMobile || kind == codes.KindBank
}

// Value reads text as a value of the column, the one way it is kept and looked up by: texts with a kind, and keys,
// are normalised. Blank is nil. The error is Invalid and tells why not.
func (c Column) Value(text string) (any, error) {
	if c.Type.Kind == warehouse.KindText {
		if c.Kind != "" || c.Key {
			text = codes.Normalise(c.Kind, text)
		}
		if strings.TrimSpace(text) == "" {
			return nil, nil
		}
		return text, nil
	}
	v, key := table.Parse(table.Type(c.Type.Kind), text)
	if key != "" {
		return nil, errs.New(errs.Invalid, key, cut(strings.TrimSpace(text), 40))
	}
	if c.Type.Kind == warehouse.KindDecimal && v != nil {
		return c.Type.Coerce(warehouse.Decimal(v.(string)))
	}
	return v, nil
}

// Show writes a value of the column for people: masked unless clear. NULL is "". Of what was hashed the end of the hash is
// shown: enough to tell two apart.
func (c Column) Show(v any, clear bool) string {
	s := warehouse.Format(v)
	if c.Keep == KeepHashed && len(s) > 8 {
		return "#" + s[len(s)-8:]
	}
	if c.Masked && !clear {
		return codes.Mask(c.Kind, s)
	}
	return s
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}

// Dataset is one dataset as it stands.
type Dataset struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Title   string     `json:"title"`
	Summary string     `json:"summary"`
	Room    string     `json:"room"`
	Unit    string     `json:"unit" doc:"who answers for it"`
	Street  string     `json:"-"`
	Owner   string     `json:"owner" doc:"person who published it first"`
	Level   Level      `json:"level"`
	Columns []Column   `json:"columns" nullable:"false"`
	Current string     `json:"current" doc:"id of the version that serves"`
	Number  int64      `json:"number" doc:"of that version, from 1"`
	Rows    int64      `json:"rows"`
	Bytes   int64      `json:"bytes" doc:"values as text, before compression"`
	Hash    string     `json:"hash" doc:"SHA-256 over columns and values"`
	Updated store.Time `json:"updatedAt" doc:"now, of a live one"`
	Version int64      `json:"version" doc:"to be sent back with a change"`
	Live    string     `json:"live" doc:"name of the room's function that answers, empty for a stored table"`

	newest int64
}

// Column returns the column called name.
func (d Dataset) Column(name string) (Column, bool) {
	i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return d.Columns[i], true
}

// Keys returns the columns rows are looked up by.
func (d Dataset) Keys() []Column {
	var out []Column
	for _, c := range d.Columns {
		if c.Key {
			out = append(out, c)
		}
	}
	return out
}

// Version is one state of a dataset in its history.
type Version struct {
	ID       string     `json:"id"`
	Number   int64      `json:"number"`
	Columns  []Column   `json:"columns" nullable:"false"`
	Rows     int64      `json:"rows"`
	Bytes    int64      `json:"bytes"`
	Hash     string     `json:"hash"`
	Source   string     `json:"source" doc:"name of the file it was made from"`
	Person   string     `json:"person"`
	At       store.Time `json:"at"`
	Replaced store.Time `json:"replacedAt" doc:"null while it serves"`
}

// Publication is what Publish makes a dataset, or its next version, of.
type Publication struct {
	ID      string // of the dataset to go on with, "" for a new one
	Expect  int64  // its Version when the caller last looked
	Name    string // of a new one; it never changes
	Title   string
	Summary string
	Room    string
	Unit    string // of a new one, with Street and Owner: who answers for it
	Street  string
	Owner   string
	Columns []Column
	Loaded  warehouse.Version
	Source  string // name of the file
	Person  string // who published
}

var nameShape = regexp.MustCompile(`^[a-z][a-z0-9_]{1,49}$`)

// CheckName says what is wrong with the name of a dataset.
func CheckName(name string) error {
	if !nameShape.MatchString(name) {
		return errs.New(errs.Invalid, "dataset.bad_name", name)
	}
	return nil
}

// CheckColumns says what is wrong with columns, every wrong one by name.
func CheckColumns(cols []Column) error {
	spec := warehouse.Spec{Table: "dataset", Columns: Physical(cols)}
	for i := range spec.Columns { // told below, with its title
		spec.Columns[i].Keep = warehouse.Plain
	}
	if err := spec.Check(); err != nil {
		return err
	}
	var bad []errs.Field
	for _, c := range cols {
		fail := func(key string, args ...any) {
			bad = append(bad, errs.Field{Name: c.Name, Key: "dataset." + key, Args: append([]any{c.Title}, args...)})
		}
		switch {
		case c.Kind != "" && !slices.Contains(codes.Kinds(), c.Kind):
			fail("bad_kind", string(c.Kind))
		case !slices.Contains(Levels[:], c.Level):
			fail("bad_level", string(c.Level))
		case guarded(c.Kind) && (c.Level < L3 || !c.Masked):
			fail("too_open")
		case c.Level >= L3 && !c.Masked:
			fail("unmasked", string(c.Level))
		case c.Keep.Closed() && c.Type.Kind != warehouse.KindText:
			fail("keep_text")
		}
	}
	if bad != nil {
		return errs.New(errs.Invalid, "dataset.columns").With(bad...)
	}
	return nil
}

// Physical returns the columns as the warehouse keeps them. A loader asks Settled first how that is.
func Physical(cols []Column) []warehouse.Column {
	out := make([]warehouse.Column, len(cols))
	for i, c := range cols {
		out[i] = warehouse.Column{Name: c.Name, Type: c.Type, Title: c.Title, Key: c.Key}
		if c.Keep.Closed() {
			out[i].Keep, out[i].Realm = warehouse.Keep(c.Keep), realm(c.Kind)
		}
	}
	return out
}

// highest is the level of a table: the highest of its columns'.
func highest(cols []Column) Level {
	out := L1
	for _, c := range cols {
		out = max(out, c.Level)
	}
	return out
}

// Drift is how the columns of a new version differ from those that serve, by name.
type Drift struct {
	Added   []string `json:"added" nullable:"false"`
	Removed []string `json:"removed" nullable:"false"`
	Retyped []string `json:"retyped" nullable:"false" doc:"the type changed"`
	Rekeyed []string `json:"rekeyed" nullable:"false" doc:"became a key or is none any more"`
	Opened  []string `json:"opened" nullable:"false" doc:"a lower level than before, or no longer masked"`
}

// None reports whether nothing differs.
func (d Drift) None() bool {
	return len(d.Added)+len(d.Removed)+len(d.Retyped)+len(d.Rekeyed)+len(d.Opened) == 0
}

// Compare returns how next differs from old. Titles and the order of columns do not count.
func Compare(old, next []Column) Drift {
	d := Drift{Added: []string{}, Removed: []string{}, Retyped: []string{}, Rekeyed: []string{}, Opened: []string{}}
	before := map[string]Column{}
	for _, c := range old {
		before[c.Name] = c
	}
	for _, c := range next {
		o, ok := before[c.Name]
		delete(before, c.Name)
		if !ok {
			d.Added = append(d.Added, c.Name)
			continue
		}
		if o.Type != c.Type {
			d.Retyped = append(d.Retyped, c.Name)
		}
		if o.Key != c.Key {
			d.Rekeyed = append(d.Rekeyed, c.Name)
		}
		if c.Level < o.Level || o.Masked && !c.Masked {
			d.Opened = append(d.Opened, c.Name)
		}
	}
	for _, c := range old {
		if _, gone := before[c.Name]; gone {
			d.Removed = append(d.Removed, c.Name)
		}
	}
	return d
}

// keepClass gives the columns of an older version the classification that holds today: what has been closed since
// stays closed when one goes back.
func keepClass(older, today []Column) []Column {
	out := slices.Clone(older)
	for i, c := range out {
		for _, t := range today {
			if t.Name == c.Name {
				out[i].Title, out[i].Kind, out[i].Level, out[i].Masked = t.Title, t.Kind, t.Level, t.Masked
			}
		}
	}
	return out
}

// Grant shares a dataset with a unit and all below it, or with one person.
type Grant struct {
	ID        string     `json:"id"`
	Unit      string     `json:"unit" doc:"id, empty when it is one person's"`
	Person    string     `json:"person" doc:"id, empty when it is a unit's"`
	Columns   []string   `json:"columns" nullable:"false" doc:"names that may be shown, masked where the column is"`
	Reveal    []string   `json:"reveal" nullable:"false" doc:"of these, names that may be revealed"`
	Modes     []Mode     `json:"modes" nullable:"false" enum:"look,batch,api,push" doc:"ways it may be used"`
	Filter    Filter     `json:"filter" nullable:"false" doc:"rows it reaches, all when empty"`
	Quota     int64      `json:"quota" doc:"records that may be given out in a civil day, 0 without limit"`
	Case      string     `json:"case" doc:"id of the case it was decided in, empty when it was given outright"`
	Purpose   string     `json:"purpose"`
	Basis     string     `json:"basis" doc:"legal basis"`
	From      store.Time `json:"from"`
	Until     store.Time `json:"until"`
	By        string     `json:"by"`
	At        store.Time `json:"at"`
	RevokedBy string     `json:"revokedBy"`
	Revoked   store.Time `json:"revokedAt"`

	dataset string
}

// Mode is a way in which a grant may be used (使用方式).
type Mode string

// The modes.
const (
	Look  Mode = "look"  // 查询: record by record, or by conditions
	Batch Mode = "batch" // 批量比对: a list of keys against it
	API   Mode = "api"   // 接口: programs ask with a key
	Push  Mode = "push"  // 推送: files or tables are delivered
)

// Modes lists them.
var Modes = [...]Mode{Look, Batch, API, Push}

// May reports whether the grant may be used in a mode; "" asks for any.
func (g Grant) May(m Mode) bool { return m == "" || slices.Contains(g.Modes, m) }

// Covers reports whether the grant shows all of columns.
func (g Grant) Covers(columns []string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(g.Columns, c) })
}

// MaxGrant is how long a grant may last; it is given anew after that.
const MaxGrant = 3 * 366 * 24 * time.Hour

// Active reports whether the grant holds at now.
func (g Grant) Active(now time.Time) bool {
	return g.Revoked.IsZero() && !now.Before(g.From.Time) && now.Before(g.Until.Time)
}

// check says what is wrong with a grant of d made at now.
func (g Grant) check(d Dataset, now time.Time) error {
	var bad []errs.Field
	fail := func(name, key string, args ...any) {
		bad = append(bad, errs.Field{Name: name, Key: "dataset." + key, Args: args})
	}
	if (g.Unit == "") == (g.Person == "") {
		fail("unit", "grant_whom")
	}
	if len(g.Columns) == 0 {
		fail("columns", "grant_columns")
	}
	for _, name := range g.Columns {
		if _, ok := d.Column(name); !ok {
			fail("columns", "no_column", name)
		}
	}
	for _, name := range g.Reveal {
		if !slices.Contains(g.Columns, name) {
			fail("reveal", "grant_reveal", name)
		}
	}
	for _, m := range g.Modes {
		if !slices.Contains(Modes[:], m) {
			fail("modes", "grant_mode", string(m))
		}
	}
	if _, err := g.Filter.Cond(d); err != nil {
		e, _ := errors.AsType[*errs.Error](err)
		for _, f := range e.Fields {
			bad = append(bad, errs.Field{Name: "filter", Key: f.Key, Args: f.Args})
		}
	}
	if g.Quota < 0 {
		fail("quota", "grant_quota")
	}
	if !g.Until.After(g.From.Time) || !g.Until.After(now) || g.Until.Sub(g.From.Time) > MaxGrant {
		fail("until", "grant_period", int(MaxGrant.Hours()/24/366))
	}
	if bad != nil {
		return errs.New(errs.Invalid, "dataset.grant").With(bad...)
	}
	return nil
}

// Right is what the actor may see of one dataset.
type Right struct {
	Owned  bool    // by the reach of his own permission
	Bare   bool    // he may reveal what he owns
	Grants []Grant // that hold for him now
}

// At narrows what the actor may see to one row of ds with all its columns: grants whose filter does not reach the row
// give nothing of it.
func (r Right) At(ds Dataset, row []any) Right {
	if r.Owned || !slices.ContainsFunc(r.Grants, func(g Grant) bool { return len(g.Filter) > 0 }) {
		return r
	}
	r.Grants = slices.DeleteFunc(slices.Clone(r.Grants), func(g Grant) bool { return !g.Filter.holds(ds, row) })
	return r
}

// Any reports whether anything may be seen at all.
func (r Right) Any() bool { return r.Owned || len(r.Grants) > 0 }

// Covering returns a grant that alone shows all of columns, the longest lasting; false when none does.
func (r Right) Covering(columns []string) (g Grant, ok bool) {
	for _, one := range r.Grants {
		if one.Covers(columns) && (!ok || one.Until.After(g.Until.Time)) {
			g, ok = one, true
		}
	}
	return g, ok
}

// MaySee reports whether a column may be shown to him, masked where it is.
func (r Right) MaySee(column string) bool {
	return r.Owned || slices.ContainsFunc(r.Grants, func(g Grant) bool { return slices.Contains(g.Columns, column) })
}

// MayReveal reports whether one field of a column may be shown to him in clear.
func (r Right) MayReveal(column string) bool {
	return r.Owned && r.Bare || slices.ContainsFunc(r.Grants, func(g Grant) bool { return slices.Contains(g.Reveal, column) })
}
