package library

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// SourceBody is a source, without its secret.
type SourceBody struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Spec      source.Spec `json:"spec"`
	Place     string      `json:"place" doc:"where it is, in short"`
	HasSecret bool        `json:"hasSecret"`
	UnitName  string      `json:"unitName"`
	OwnerName string      `json:"ownerName"`
	Feeds     int64       `json:"feeds" doc:"tables that are collected"`
	Unwell    int64       `json:"unwell" doc:"of these, with a failed run or a decision to make"`
	MayEdit   bool        `json:"mayEdit"`
	At        store.Time  `json:"at"`
	Version   int64       `json:"version"`
}

type sourceOut struct{ Body SourceBody }

type sourcesOut struct {
	Body store.Listed[SourceBody]
}

type sourcesIn struct {
	store.Page
}

func (l *Library) listSources(ctx context.Context, in *sourcesIn) (*sourcesOut, error) {
	all, err := listSources(ctx, l.db, authz.Where(ctx, "library.load"), in.Page)
	if err != nil {
		return nil, err
	}
	bodies, err := l.sourceBodies(ctx, all.Items)
	return &sourcesOut{store.Listed[SourceBody]{Items: bodies, Next: all.Next}}, err
}

func (l *Library) sourceBodies(ctx context.Context, all []Source) ([]SourceBody, error) {
	var ids, units []string
	for _, s := range all {
		ids, units = append(ids, s.ID), append(units, s.Unit)
	}
	counts, err := feedsOf(ctx, l.db, ids)
	if err != nil {
		return nil, err
	}
	names, err := l.names.Units(ctx, l.db, units)
	out := []SourceBody{}
	for _, s := range all {
		out = append(out, SourceBody{ID: s.ID, Name: s.Name, Spec: s.Spec, Place: s.Spec.Place(), HasSecret: s.Secret != "", UnitName: names[s.Unit], OwnerName: s.OwnerName,
			Feeds: counts[s.ID][0], Unwell: counts[s.ID][1], MayEdit: authz.From(ctx).Can("library.source"), At: s.At, Version: s.Version})
	}
	return out, err
}

func (l *Library) shownSource(ctx context.Context, s Source) (*sourceOut, error) {
	all, err := l.sourceBodies(ctx, []Source{s})
	if err != nil {
		return nil, err
	}
	return &sourceOut{all[0]}, nil
}

type sourceIn struct {
	ID string `path:"id" maxLength:"40"`
}

func (l *Library) getSource(ctx context.Context, in *sourceIn) (*sourceOut, error) {
	s, err := findSource(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	return l.shownSource(ctx, s)
}

// SourceGiven is what a person says of a source.
type SourceGiven struct {
	Name   string      `json:"name" maxLength:"100"`
	Spec   source.Spec `json:"spec"`
	Secret string      `json:"secret" required:"false" maxLength:"8000" doc:"password, key or token; empty to keep the one there is"`
}

func (g *SourceGiven) check() error {
	g.Name, g.Spec.Host = strings.TrimSpace(g.Name), strings.TrimSpace(g.Spec.Host)
	if err := g.Spec.Check(); err != nil {
		return err
	}
	if len([]rune(g.Name)) < 2 {
		return errs.New(errs.Invalid, "library.plan").With(errs.Field{Name: "name", Key: "library.no_source_name"})
	}
	return nil
}

type createSourceIn struct{ Body SourceGiven }

func (l *Library) createSource(ctx context.Context, in *createSourceIn) (*sourceOut, error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	me := authz.From(ctx)
	s := Source{ID: id.New(), Name: in.Body.Name, Spec: in.Body.Spec, Owner: me.Person, OwnerName: me.Name, At: store.At(l.now()), Version: 1}
	s.Unit, s.Street = loadsFor(me)
	if in.Body.Secret != "" {
		s.Secret = l.ring.Seal(placeOf(s.ID), []byte(in.Body.Secret))
	}
	err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertSource(ctx, tx, &s); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.source_add", Object: "library_source", ID: s.ID, Title: s.Name,
			Detail: map[string]any{"kind": string(s.Spec.Kind), "place": s.Spec.Place(), "user": s.Spec.User}})
	})
	if err != nil {
		return nil, err
	}
	return l.shownSource(ctx, s)
}

type putSourceIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		SourceGiven
		Version int64 `json:"version"`
	}
}

// putSource changes a source. The secret that is kept may not follow it to another server.
func (l *Library) putSource(ctx context.Context, in *putSourceIn) (*sourceOut, error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	s, err := findSource(ctx, l.db, in.ID, authz.Where(ctx, "library.source").Cond())
	if err != nil {
		return nil, err
	}
	if s.Version != in.Body.Version {
		return nil, errs.New(errs.Conflict, "store.changed")
	}
	was := s.Spec
	if in.Body.Secret == "" && s.Secret != "" && moved(was, in.Body.Spec) {
		return nil, errs.New(errs.Invalid, "library.plan").With(errs.Field{Name: "secret", Key: "library.secret_again"})
	}
	s.Name, s.Spec, s.Version = in.Body.Name, in.Body.Spec, s.Version+1
	if in.Body.Secret != "" {
		s.Secret = l.ring.Seal(placeOf(s.ID), []byte(in.Body.Secret))
	}
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveSource(ctx, tx, &s); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.source_change", Object: "library_source", ID: s.ID, Title: s.Name,
			Detail: map[string]any{"was": was.Place(), "place": s.Spec.Place(), "user": s.Spec.User, "secret": in.Body.Secret != ""}})
	})
	if err != nil {
		return nil, err
	}
	return l.shownSource(ctx, s)
}

type removeSourceIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" required:"true"`
}

// removeSource forgets a source nothing is collected from any more.
func (l *Library) removeSource(ctx context.Context, in *removeSourceIn) (*struct{}, error) {
	s, err := findSource(ctx, l.db, in.ID, authz.Where(ctx, "library.source").Cond())
	if err != nil {
		return nil, err
	}
	s.Version = in.Version
	return nil, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := feedsOf(ctx, tx, []string{s.ID})
		if err != nil {
			return err
		}
		if n[s.ID][0] > 0 {
			return errs.New(errs.Conflict, "library.source_used", n[s.ID][0])
		}
		if err := deleteSource(ctx, tx, &s); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.source_remove", Object: "library_source", ID: s.ID, Title: s.Name, Detail: map[string]any{"place": s.Spec.Place()}})
	})
}

type tryIn struct {
	Body struct {
		SourceGiven
		ID string `json:"id" required:"false" maxLength:"40" doc:"of the source whose secret is meant when none is given"`
	}
}

type tryOut struct {
	Body struct {
		Tables int `json:"tables" doc:"tables and files that can be read, 500 at most"`
		Millis int `json:"millis" doc:"how long it took"`
	}
}

// try connects once, so that what is wrong is said before anything is kept.
func (l *Library) try(ctx context.Context, in *tryIn) (*tryOut, error) {
	if err := in.Body.Spec.Check(); err != nil {
		return nil, err
	}
	s := Source{ID: in.Body.ID, Name: in.Body.Name, Spec: in.Body.Spec}
	if in.Body.ID != "" && in.Body.Secret == "" {
		kept, err := findSource(ctx, l.db, in.Body.ID, authz.Where(ctx, "library.source").Cond())
		if err != nil {
			return nil, err
		}
		if kept.Secret != "" && moved(kept.Spec, s.Spec) {
			return nil, errs.New(errs.Invalid, "library.plan").With(errs.Field{Name: "secret", Key: "library.secret_again"})
		}
		s.Secret = kept.Secret
	} else if in.Body.Secret != "" {
		s.Secret = l.ring.Seal(placeOf(s.ID), []byte(in.Body.Secret))
	}
	began := time.Now()
	out := &tryOut{}
	n, err := l.reach(ctx, s)
	out.Body.Tables, out.Body.Millis = n, int(time.Since(began).Milliseconds())
	e := audit.Entry{Action: "library.try", Object: "library_source", ID: s.ID, Title: s.Name, Detail: map[string]any{"place": s.Spec.Place(), "user": s.Spec.User}}
	if err != nil {
		e.Result = audit.Failed
	}
	if e := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return l.audit.Record(ctx, tx, e) }); e != nil {
		return nil, e
	}
	return out, err
}

func (l *Library) reach(ctx context.Context, s Source) (int, error) {
	conn, err := l.connect(ctx, s)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	all, err := conn.Tables(ctx, "", 500)
	return len(all), err
}

type tablesIn struct {
	ID   string `path:"id" maxLength:"40"`
	Text string `query:"text" maxLength:"100" doc:"in the name or the comment"`
}

// SourceTable is a table of a source, and whether it is collected already.
type SourceTable struct {
	source.Table
	Feed string `json:"feed" doc:"id of the feed that collects it, empty for none"`
}

type tablesOut struct {
	Body struct {
		Items []SourceTable `json:"items" nullable:"false"`
		More  bool          `json:"more" doc:"there are more; ask with words"`
	}
}

// mostTables is how many tables are listed at once.
const mostTables = 300

// tables lists what a source has.
func (l *Library) tables(ctx context.Context, in *tablesIn) (*tablesOut, error) {
	s, err := findSource(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	conn, err := l.connect(ctx, s)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	all, err := conn.Tables(ctx, in.Text, mostTables+1)
	if err != nil {
		return nil, err
	}
	feeds, err := objectsOf(ctx, l.db, s.ID)
	out := &tablesOut{}
	out.Body.Items, out.Body.More = []SourceTable{}, len(all) > mostTables
	for _, t := range all[:min(len(all), mostTables)] {
		out.Body.Items = append(out.Body.Items, SourceTable{t, feeds[t.Name]})
	}
	return out, err
}
