// Package errs gives every error a kind the web layer turns into a status, and a text key
// that the catalogue turns into words a person can act on, in their language.
package errs

import (
	"errors"
	"fmt"
	"strings"
)

// Kind classes an error for the caller.
type Kind string

// The kinds. Anything that is not an *Error is Internal, and its text stays in the log.
const (
	Invalid  Kind = "invalid"  // the request is wrong: 422
	Unsigned Kind = "unsigned" // nobody is signed in: 401
	Denied   Kind = "denied"   // not allowed: 403
	Missing  Kind = "missing"  // not there, or not visible: 404
	Conflict Kind = "conflict" // somebody else was first: 409
	TooLarge Kind = "toolarge" // over a configured limit: 413
	Limited  Kind = "limited"  // too many requests: 429
	Busy     Kind = "busy"     // come back later: 503
	Internal Kind = "internal" // ours: 500
)

// Field is one reason tied to one place of the input: a form field ("phone") or a row of a file ("row 17").
type Field struct {
	Row  int    // 1-based row of a file, 0 when the input is a form
	Name string // field or column name, "" for the whole row
	Key  string // text key
	Args []any
}

// Error is an error whose text may be shown to a user. Key names a text in the catalogues.
type Error struct {
	Kind   Kind
	Key    string
	Args   []any
	Fields []Field
	Cause  error // for the log only
}

// Error gives the log's words, never the user's.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Kind, e.Key)
	if len(e.Args) > 0 {
		fmt.Fprintf(&b, " %v", e.Args)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %d %s %s %v", f.Row, f.Name, f.Key, f.Args)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// With returns a copy that carries reasons per field or row.
func (e *Error) With(fields ...Field) *Error {
	c := *e
	c.Fields = append(append([]Field(nil), e.Fields...), fields...)
	return &c
}

// New returns an Error with the text named key; {0}, {1} … in the text become args.
func New(k Kind, key string, args ...any) *Error { return &Error{Kind: k, Key: key, Args: args} }

// Wrap is New with a cause for the log.
func Wrap(cause error, k Kind, key string, args ...any) *Error {
	return &Error{Kind: k, Key: key, Args: args, Cause: cause}
}

// KindOf returns the kind of err, Internal when it has none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// KeyOf returns the text key of err, "" when it has none.
func KeyOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Key
	}
	return ""
}
