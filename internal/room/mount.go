package room

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
)

// House is what the rooms are mounted into.
type House struct {
	Server *web.Server
	DB     *store.DB
	// Denied is told of every refused call, for the audit.
	Denied func(ctx context.Context, perm string)
	// Mask hides a value of a kind (name, id, phone …) whose column the actor may not see in full.
	Mask func(kind, value string) string
	// Unaudited is told of a changing request that succeeded and left no record: a defect.
	Unaudited func(ctx context.Context, route string)
}

type mounting struct {
	*House
	room *Room
}

// Mount puts the routes of r into the house.
func (r *Room) Mount(h *House) {
	m := &mounting{h, r}
	h.Server.Mounting(r.Name)
	for _, t := range r.Routes {
		t.mount(m, t)
	}
	for _, w := range r.Raws {
		pattern := w.Address(r.Name)
		if w.Method != "" {
			pattern = w.Method + " " + pattern
		}
		changes := w.Method != "GET" && w.Method != "HEAD"
		h.Server.Mux.HandleFunc(pattern, func(rw http.ResponseWriter, req *http.Request) {
			ctx := req.Context()
			if err := m.allow(ctx, w.Perm); err != nil {
				h.Server.Write(rw, req, err)
				return
			}
			mark := &audited{done: !changes}
			if err := w.Serve(rw, req.WithContext(context.WithValue(ctx, traceKey{}, mark))); err != nil {
				h.Server.Write(rw, req, err)
			} else if !mark.done && w.Unaudited == "" {
				m.unaudited(ctx, pattern)
			}
		})
	}
}

// allow says why the actor may not, nil when he may.
func (m *mounting) allow(ctx context.Context, perm string) error {
	if perm == Open {
		return nil
	}
	a := ActorOf(ctx)
	if a == nil {
		return errs.New(errs.Unsigned, "web.unsigned")
	}
	if perm == Signed || a.Can(perm) {
		return nil
	}
	if m.Denied != nil {
		m.Denied(ctx, perm)
	}
	q := web.From(ctx)
	return errs.New(errs.Denied, "web.denied", m.Server.Catalog.Text(q.Lang, "perm."+perm))
}

func register[In, Out any](m *mounting, r Route, fn func(context.Context, *In) (*Out, error)) {
	path := "/api/" + m.room.Name + r.Path
	at := r.Method + " " + path
	op := huma.Operation{
		OperationID: operationID(m.room.Name, r), Method: r.Method, Path: path, Tags: []string{m.room.Name},
		MaxBodyBytes: r.MaxBody, Extensions: map[string]any{"x-permission": r.Perm},
		Middlewares: huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
			if err := m.allow(ctx.Context(), r.Perm); err != nil {
				m.refuse(ctx, err)
				return
			}
			next(ctx)
		}},
	}
	if r.Perm == Open {
		op.Security = []map[string][]string{}
	}
	hide := masks(r.Out)
	huma.Register(m.Server.API, op, func(ctx context.Context, in *In) (*Out, error) {
		mark := &audited{}
		ctx = context.WithValue(ctx, traceKey{}, mark)
		var out *Out
		var err error
		if r.Changes() {
			out, err = web.Once(ctx, m.DB, at, !r.Secret, in, func(ctx context.Context, in *In) (*Out, error) {
				out, err := fn(ctx, in)
				if err == nil && !mark.done && r.Unaudited == "" {
					m.unaudited(ctx, at)
				}
				return out, err
			})
		} else {
			out, err = fn(ctx, in)
		}
		if err != nil {
			return nil, m.Server.Problem(ctx, err)
		}
		if hide && out != nil {
			m.hide(ctx, reflect.ValueOf(out))
		}
		return out, nil
	})
}

func (m *mounting) unaudited(ctx context.Context, at string) {
	slog.ErrorContext(ctx, "change without audit record", "route", at)
	if m.Unaudited != nil {
		m.Unaudited(ctx, at)
	}
}

func (m *mounting) refuse(ctx huma.Context, err error) {
	p := m.Server.Problem(ctx.Context(), err)
	ctx.SetHeader("Content-Type", "application/problem+json")
	ctx.SetStatus(p.Status)
	_ = m.Server.API.Marshal(ctx.BodyWriter(), "application/json", p)
}

func operationID(room string, r Route) string {
	path := strings.NewReplacer("/{", "-by-", "{", "", "}", "", "/", "-", "...", "").Replace(r.Path)
	return room + "-" + strings.ToLower(r.Method) + path
}

// masks reports whether t holds a field with a mask tag anywhere, so that most answers are not walked.
func masks(t reflect.Type) bool { return hasMask(t, map[reflect.Type]bool{}) }

func hasMask(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch t.Kind() {
	case reflect.Map:
		if hasMask(t.Elem(), seen) {
			panic("room: a masked column inside a map would not be masked: " + t.String())
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return hasMask(t.Elem(), seen)
	case reflect.Struct:
		if seen[t] {
			return false
		}
		seen[t] = true
		for f := range t.Fields() {
			if f.Tag.Get("mask") != "" || hasMask(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// hide masks the string fields tagged `mask:"kind,perm"` unless the actor holds perm.
func (m *mounting) hide(ctx context.Context, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			m.hide(ctx, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		if !masks(v.Type()) {
			return
		}
		for i := range v.Len() {
			m.hide(ctx, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag := f.Tag.Get("mask")
			if tag == "" {
				if f.IsExported() {
					m.hide(ctx, v.Field(i))
				}
				continue
			}
			kind, perm, _ := strings.Cut(tag, ",")
			if a := ActorOf(ctx); v.Field(i).Kind() == reflect.String && (a == nil || !a.Can(perm)) {
				v.Field(i).SetString(m.Mask(kind, v.Field(i).String()))
			}
		}
	}
}
