package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
)

// Cond is a piece of a WHERE clause with its own $1… numbering.
type Cond struct {
	SQL  string
	Args []any
}

// C makes a Cond.
func C(sql string, args ...any) Cond { return Cond{sql, args} }

// And joins conditions and numbers their placeholders anew; none is TRUE.
func And(conds ...Cond) Cond { return join(" AND ", "TRUE", conds) }

// Or joins conditions by OR; none is FALSE.
func Or(conds ...Cond) Cond { return join(" OR ", "FALSE", conds) }

func join(word, none string, conds []Cond) Cond {
	var out Cond
	var parts []string
	for _, c := range conds {
		if c.SQL == "" {
			continue
		}
		parts = append(parts, "("+shift(c.SQL, len(out.Args))+")")
		out.Args = append(out.Args, c.Args...)
	}
	out.SQL = none
	if len(parts) > 0 {
		out.SQL = strings.Join(parts, word)
	}
	return out
}

var placeholder = regexp.MustCompile(`\$(\d+)`)

// shift adds n to every placeholder of sql.
func shift(sql string, n int) string {
	if n == 0 {
		return sql
	}
	return placeholder.ReplaceAllStringFunc(sql, func(p string) string {
		k, _ := strconv.Atoi(p[1:])
		return "$" + strconv.Itoa(k+n)
	})
}

var literal = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// Anywhere is the pattern that finds s anywhere in a text; it goes with LIKE … ESCAPE '!', so that the signs of LIKE mean
// nothing in s.
func Anywhere(s string) string { return "%" + literal.Replace(s) + "%" }

// In is "column IN (…)" for any number of values; none is FALSE.
func In[T any](column string, values []T) Cond {
	if len(values) == 0 {
		return Cond{SQL: "FALSE"}
	}
	var b strings.Builder
	b.WriteString(column + " IN (")
	args := make([]any, len(values))
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(i+1))
		args[i] = v
	}
	b.WriteByte(')')
	return Cond{b.String(), args}
}

// Scope is the predicate that says which rows the caller may see. The zero Scope sees nothing.
type Scope struct {
	cond Cond
	set  bool
}

// Scoped makes a Scope of a predicate; authz.Where is the usual maker.
func Scoped(c Cond) Scope { return Scope{c, true} }

// Unscoped says that everyone with the route's permission sees every row, and why that is right.
func Unscoped(why string) Scope {
	if why == "" {
		panic("store: Unscoped needs a reason")
	}
	return Scope{Cond{SQL: "TRUE"}, true}
}

// Cond returns the predicate, FALSE when nobody set one.
func (s Scope) Cond() Cond {
	if !s.set {
		return Cond{SQL: "FALSE"}
	}
	return s.cond
}

// Page is what a list request asks for.
type Page struct {
	After string `query:"after" doc:"the cursor of the page before" maxLength:"512"`
	Limit int    `query:"limit" doc:"rows a page" minimum:"1" maximum:"200" default:"50"`
}

// Listed is one page of a list. Next is "" on the last page.
type Listed[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next" doc:"cursor of the next page, empty on the last"`
}

// Query is a list that pages by keyset.
type Query[T any] struct {
	Select string // "SELECT … FROM …", without WHERE; may not hold placeholders
	Scope  Scope
	Where  []Cond
	Keys   []string // sort columns, unique together, NOT NULL
	Desc   bool
	Page   Page
	Scan   func(*T) []any
	Cursor func(*T) []any // values of Keys
}

// List returns one page. A cursor that was not made by List is Invalid.
func List[T any](ctx context.Context, db Queryer, q Query[T]) (Listed[T], error) {
	out := Listed[T]{Items: []T{}}
	limit := q.Page.Limit
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	conds := append([]Cond{q.Scope.Cond()}, q.Where...)
	op, dir := " > ", ""
	if q.Desc {
		op, dir = " < ", " DESC"
	}
	if q.Page.After != "" {
		vals, err := cursorValues(q.Page.After, len(q.Keys))
		if err != nil {
			return out, err
		}
		marks := make([]string, len(vals))
		for i := range vals {
			marks[i] = "$" + strconv.Itoa(i+1)
		}
		conds = append(conds, Cond{"(" + strings.Join(q.Keys, ", ") + ")" + op + "(" + strings.Join(marks, ", ") + ")", vals})
	}
	where := And(conds...)
	sql := q.Select + " WHERE " + where.SQL + " ORDER BY " + strings.Join(q.Keys, dir+", ") + dir + " LIMIT " + strconv.Itoa(limit+1)
	items, err := All(ctx, db, q.Scan, sql, where.Args...)
	if err != nil {
		return out, err
	}
	if len(items) > limit {
		items = items[:limit]
		if out.Next, err = cursorText(q.Cursor(&items[limit-1])); err != nil {
			return out, err
		}
	}
	if items != nil {
		out.Items = items
	}
	return out, nil
}

func cursorText(vals []any) (string, error) {
	for i, v := range vals {
		if t, ok := v.(Time); ok {
			vals[i], _ = t.Value()
		}
	}
	b, err := json.Marshal(vals)
	if err != nil {
		return "", fmt.Errorf("store: cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func cursorValues(s string, n int) ([]any, error) {
	bad := errs.New(errs.Invalid, "store.cursor")
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, bad
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var vals []any
	if err := d.Decode(&vals); err != nil || len(vals) != n {
		return nil, bad
	}
	for i, v := range vals {
		switch v := v.(type) {
		case json.Number:
			if vals[i], err = v.Int64(); err != nil {
				return nil, bad
			}
		case string:
		default:
			return nil, bad
		}
	}
	return vals, nil
}
