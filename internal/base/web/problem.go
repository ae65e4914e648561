package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"qushu/internal/base/errs"
)

// Problem is an error as RFC 9457 writes it, with words for a person and a trace id for the log.
type Problem struct {
	Type   string   `json:"type" example:"about:blank"`
	Title  string   `json:"title" doc:"the kind of problem in the caller's language"`
	Status int      `json:"status"`
	Detail string   `json:"detail" doc:"what happened and what to do, in the caller's language"`
	Kind   string   `json:"kind" doc:"invalid, unsigned, denied, missing, conflict, toolarge, limited, busy or internal"`
	Key    string   `json:"key" doc:"text key of detail"`
	Trace  string   `json:"trace" doc:"find the request in the log by it"`
	Errors []Reason `json:"errors,omitempty" doc:"reasons by field or row"`
}

// Reason is one reason tied to a place of the input.
type Reason struct {
	Row     int    `json:"row,omitempty" doc:"row of the file, from 1"`
	Name    string `json:"name,omitempty" doc:"field or column"`
	Message string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

var statusOf = map[errs.Kind]int{
	errs.Invalid: 422, errs.Unsigned: 401, errs.Denied: 403, errs.Missing: 404, errs.Conflict: 409,
	errs.TooLarge: 413, errs.Limited: 429, errs.Busy: 503, errs.Internal: 500,
}

// Words turns errors into problems in the caller's language.
type Words struct{ Catalog *errs.Catalog }

// Problem gives err its words. What is ours goes to the log whole and to the user as a trace id.
func (w Words) Problem(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	q := From(ctx)
	kind, key := errs.KindOf(err), errs.KeyOf(err)
	p := &Problem{Type: "about:blank", Status: statusOf[kind], Kind: string(kind), Key: key, Trace: q.Trace}
	if e, ok := errors.AsType[*errs.Error](err); ok && kind != errs.Internal {
		p.Detail = w.Catalog.Text(q.Lang, e.Key, e.Args...)
		for _, f := range e.Fields {
			p.Errors = append(p.Errors, Reason{f.Row, f.Name, w.Catalog.Text(q.Lang, f.Key, f.Args...)})
		}
		if e.Cause != nil {
			slog.WarnContext(ctx, "request refused", "trace", q.Trace, "who", q.Who, "error", err)
		}
	} else if errors.Is(err, context.Canceled) {
		p.Status, p.Kind, p.Key = 499, string(errs.Busy), "web.cancelled" // the client went away: nobody reads this
		p.Detail = w.Catalog.Text(q.Lang, p.Key)
	} else {
		p.Status, p.Kind, p.Key = 500, string(errs.Internal), "web.internal"
		p.Detail = w.Catalog.Text(q.Lang, p.Key, q.Trace)
		slog.ErrorContext(ctx, "request failed", "trace", q.Trace, "who", q.Who, "error", err)
	}
	p.Title = w.Catalog.Text(q.Lang, "web.kind."+p.Kind)
	return p
}

// Write answers a plain request with the problem of err.
func (w Words) Write(rw http.ResponseWriter, r *http.Request, err error) {
	p := w.Problem(r.Context(), err)
	rw.Header().Set("Content-Type", "application/problem+json")
	rw.Header().Set("Cache-Control", "no-store")
	if p.Status == 429 || p.Status == 503 {
		rw.Header().Set("Retry-After", "5")
	}
	rw.WriteHeader(p.Status)
	json.NewEncoder(rw).Encode(p)
}

// adopt makes huma's own refusals (validation, media type, size) speak as ours. The library keeps
// its error maker in a package variable; every server of one process sets the same words.
func (w Words) adopt() {
	huma.NewError = func(status int, msg string, _ ...error) huma.StatusError { // the document's schema of errors is made of it
		return &Problem{Type: "about:blank", Status: status, Detail: msg}
	}
	huma.NewErrorWithContext = func(hc huma.Context, status int, msg string, list ...error) huma.StatusError {
		ctx := context.Background()
		if hc != nil {
			ctx = hc.Context()
		}
		switch status {
		case 413:
			return w.Problem(ctx, errs.New(errs.TooLarge, "web.body_too_large"))
		case 415, 406, 400:
			return w.Problem(ctx, errs.New(errs.Invalid, "web.unreadable")) // what the library says quotes the body, which may hold a password
		case 408:
			return w.Problem(ctx, errs.New(errs.Busy, "web.slow"))
		}
		if status >= 500 {
			return w.Problem(ctx, errors.Join(append(list, errors.New(msg))...))
		}
		e := errs.New(errs.Invalid, "web.invalid")
		for _, x := range list {
			if d, ok := x.(huma.ErrorDetailer); ok {
				det := d.ErrorDetail()
				e = e.With(Explain(det.Location, det.Message))
			}
		}
		return w.Problem(ctx, e)
	}
}

// messages pairs huma's validation messages with our text keys.
var messages = []struct {
	re  *regexp.Regexp
	key string
}{
	{pattern(validation.MsgExpectedRequiredProperty), "web.v.required"},
	{pattern(validation.MsgUnexpectedProperty), "web.v.unexpected"},
	{pattern(validation.MsgExpectedMinLength), "web.v.min_length"},
	{pattern(validation.MsgExpectedMaxLength), "web.v.max_length"},
	{pattern(validation.MsgExpectedMinimumNumber), "web.v.min"},
	{pattern(validation.MsgExpectedMaximumNumber), "web.v.max"},
	{pattern(validation.MsgExpectedMinItems), "web.v.min_items"},
	{pattern(validation.MsgExpectedMaxItems), "web.v.max_items"},
	{pattern(validation.MsgExpectedOneOf), "web.v.one_of"},
	{pattern(validation.MsgExpectedRFC3339DateTime), "web.v.datetime"},
	{pattern(validation.MsgExpectedRFC3339Date), "web.v.date"},
	{pattern(validation.MsgExpectedInteger), "web.v.number"},
	{pattern(validation.MsgExpectedNumber), "web.v.number"},
	{pattern(validation.MsgExpectedString), "web.v.string"},
	{pattern(validation.MsgExpectedBoolean), "web.v.boolean"},
	{pattern(validation.MsgExpectedArray), "web.v.array"},
	{pattern(validation.MsgExpectedObject), "web.v.object"},
	{pattern(validation.MsgExpectedArrayItemsUnique), "web.v.unique"},
}

func pattern(msg string) *regexp.Regexp {
	q := regexp.QuoteMeta(msg)
	q = regexp.MustCompile(`%[svd]`).ReplaceAllString(q, `(.*)`)
	return regexp.MustCompile("^" + q + "$")
}

// Explain gives one finding of huma.Validate its words.
func Explain(location, message string) errs.Field {
	name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(location, "body."), "query."), "path.")
	for _, m := range messages {
		if got := m.re.FindStringSubmatch(message); got != nil {
			f := errs.Field{Name: name, Key: m.key}
			for _, g := range got[1:] {
				f.Args = append(f.Args, g)
			}
			if m.key == "web.v.required" { // huma names the object, the property stands in the message
				f.Name = strings.TrimPrefix(strings.TrimSuffix(name, "body")+"."+got[1], ".")
			}
			return f
		}
	}
	return errs.Field{Name: name, Key: "web.v.other"}
}
