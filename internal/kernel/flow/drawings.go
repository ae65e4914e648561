package flow

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/flow/internal/bpmn"
)

// mostXML bounds a file that is taken in, in bytes; the largest of other tools' examples is a tenth of it.
const mostXML = 2 << 20

// Drawn is the flow of one kind of case, as the list of drawings shows it.
type Drawn struct {
	Kind   string     `json:"kind"`
	Title  string     `json:"title"`
	Def    string     `json:"def" doc:"id of the newest version"`
	Number int64      `json:"number" doc:"of the newest version"`
	Source string     `json:"source" enum:"room,drawn" doc:"the newest came with its room, or was drawn here"`
	At     store.Time `json:"at"`
	Open   int64      `json:"open" doc:"running cases on the newest version"`
	Behind int64      `json:"behind" doc:"running cases on older ones"`
	Draft  bool       `json:"draft" doc:"a drawing is under way"`
}

type drawingsIn struct{ store.Page }
type drawingsOut struct{ Body store.Listed[Drawn] }

// drawings lists what flows there are.
func (f *Flow) drawings(ctx context.Context, in *drawingsIn) (*drawingsOut, error) {
	running := func(same string) string {
		return `(SELECT count(*) FROM flow_case c WHERE (c.state = 'open' OR c.state = 'suspended') AND c.kind = d.kind AND c.def_id ` + same + ` d.id)`
	}
	all, err := store.List(ctx, f.db, store.Query[Drawn]{
		Select: `SELECT d.kind, d.title, d.id, d.number, d.source, d.at, ` + running("=") + `, ` + running("<>") + `, EXISTS (SELECT 1 FROM flow_draft f WHERE f.kind = d.kind) FROM flow_def d`,
		Scope:  store.Unscoped("a drawing says nothing of anybody's case"),
		Where:  []store.Cond{store.C(`d.number = (SELECT max(n.number) FROM flow_def n WHERE n.kind = d.kind)`)},
		Keys:   []string{"d.kind"}, Page: in.Page,
		Scan: func(d *Drawn) []any {
			return []any{&d.Kind, &d.Title, &d.Def, &d.Number, &d.Source, &d.At, &d.Open, &d.Behind, &d.Draft}
		},
		Cursor: func(d *Drawn) []any { return []any{d.Kind} }})
	return &drawingsOut{all}, err
}

// Version is one drawing of a kind.
type Version struct {
	Def    string     `json:"def"`
	Number int64      `json:"number"`
	Source string     `json:"source" enum:"room,drawn"`
	Note   string     `json:"note" doc:"what the one who drew it says of it"`
	At     store.Time `json:"at"`
	ByName string     `json:"byName" doc:"empty for the program itself"`
	Open   int64      `json:"open" doc:"running cases"`

	by string
}

// Found is a finding in the caller's language.
type Found struct {
	Element string `json:"element" doc:"id of a node, flow or lane; that of the process for what concerns all of it"`
	Name    string `json:"name"`
	Grade   string `json:"grade" enum:"error,warning,dropped"`
	Text    string `json:"text"`
}

// Sheet is a drawing on the table.
type Sheet struct {
	Process  *Process `json:"process"`
	Findings []Found  `json:"findings" nullable:"false"`
}

// DrawingView is all an administrator needs to draw the flow of a kind.
type DrawingView struct {
	Kind     string       `json:"kind"`
	Title    string       `json:"title"`
	Sheet    Sheet        `json:"sheet" doc:"the draft, or the newest version where there is none"`
	Draft    int64        `json:"draft" doc:"version of the draft, 0 where there is none"`
	Versions []Version    `json:"versions" nullable:"false" doc:"the newest first, fifty at most"`
	Values   []NamedValue `json:"values" nullable:"false" doc:"the names expressions may use"`
	Fields   []FormField  `json:"fields" nullable:"false" doc:"of the form, in their order"`
	Services []string     `json:"services" nullable:"false" doc:"what a service task may ask for"`
	Calls    bool         `json:"calls" doc:"a call activity may begin another case"`
	Verbs    []string     `json:"verbs" nullable:"false" doc:"that a step may forbid"`
	Moving   *MoveView    `json:"moving,omitempty" doc:"the last time running cases were taken over"`
}

// NamedValue is one name an expression may use.
type NamedValue struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type kindIn struct {
	Kind string `path:"kind" maxLength:"80"`
}

type drawingOut struct{ Body DrawingView }

func (f *Flow) showDrawing(ctx context.Context, in *kindIn) (*drawingOut, error) {
	def, p, err := f.drawing(ctx, f.db, in.Kind, "")
	if err != nil {
		return nil, err
	}
	h := f.hosts[roomOf(in.Kind)]
	out := &drawingOut{DrawingView{Kind: in.Kind, Title: p.Name, Values: []NamedValue{}, Fields: []FormField{}, Services: append([]string{}, h.Services...), Calls: h.Call != nil,
		Verbs: []string{"return", "transfer", "add", "extend", "withdraw"}}}
	b := &out.Body
	if d, err := findDraft(ctx, f.db, in.Kind); err == nil {
		p, b.Draft = d.body, d.version
	} else if !errs.Is(err, errs.Missing) {
		return nil, err
	}
	if b.Sheet, err = f.onTable(ctx, in.Kind, p, nil); err != nil {
		return nil, err
	}
	types, err := f.types(ctx, f.db, in.Kind)
	if err != nil {
		return nil, err
	}
	for name, t := range types {
		b.Values = append(b.Values, NamedValue{name, string(t)})
	}
	slices.SortFunc(b.Values, func(x, y NamedValue) int { return cmp.Compare(x.Name, y.Name) })
	if h.Fields != nil {
		all, err := h.Fields(ctx, f.db, in.Kind)
		if err != nil {
			return nil, err
		}
		b.Fields = append(b.Fields, all...)
	}
	if b.Versions, err = f.versions(ctx, in.Kind); err != nil {
		return nil, err
	}
	b.Moving, err = f.lastMove(ctx, f.db, in.Kind, def)
	return out, err
}

func (f *Flow) versions(ctx context.Context, kind string) ([]Version, error) {
	all, err := store.All(ctx, f.db, func(v *Version) []any {
		return []any{&v.Def, &v.Number, &v.Source, &v.Note, &v.At, &v.by, &v.Open}
	}, `SELECT d.id, d.number, d.source, d.note, d.at, d.by_id, (SELECT count(*) FROM flow_case c WHERE c.def_id = d.id AND (c.state = 'open' OR c.state = 'suspended')) FROM flow_def d WHERE d.kind = $1 ORDER BY d.number DESC LIMIT 50`, kind)
	if err != nil {
		return nil, err
	}
	var by []string
	for _, v := range all {
		by = append(by, v.by)
	}
	known, err := f.org.People(ctx, f.db, by)
	for i := range all {
		all[i].ByName = known[all[i].by].Name
	}
	return append([]Version{}, all...), err
}

// onTable is a drawing with what is to be said about it; also is what reading its file said.
func (f *Flow) onTable(ctx context.Context, kind string, p *Process, also []bpmn.Finding) (Sheet, error) {
	s, lang := Sheet{Process: p, Findings: []Found{}}, web.From(ctx).Lang
	all, err := f.findings(ctx, f.db, kind, p)
	for _, b := range append(also, all...) {
		one := Found{b.Element, b.Name, string(b.Kind), b.Text(f.words, lang)}
		if !slices.Contains(s.Findings, one) {
			s.Findings = append(s.Findings, one)
		}
	}
	return s, err
}

type sheetIn struct {
	Kind string `path:"kind" maxLength:"80"`
	Body struct {
		Process Process `json:"process"`
		Layout  bool    `json:"layout,omitempty" doc:"place everything anew"`
	}
}

type sheetOut struct{ Body Sheet }

// checkDrawing says what is wrong with a drawing, and places what has no place.
func (f *Flow) checkDrawing(ctx context.Context, in *sheetIn) (*sheetOut, error) {
	if _, _, err := f.drawing(ctx, f.db, in.Kind, ""); err != nil {
		return nil, err
	}
	p := &in.Body.Process
	if in.Body.Layout || !p.Drawn() {
		bpmn.Layout(p)
	}
	s, err := f.onTable(ctx, in.Kind, p, nil)
	return &sheetOut{s}, err
}

type readIn struct {
	Kind string `path:"kind" maxLength:"80"`
	Body struct {
		XML string `json:"xml" maxLength:"2097152" doc:"BPMN 2.0, of any tool"`
	}
}

// readDrawing reads a file another tool drew. What was not taken over is named.
func (f *Flow) readDrawing(ctx context.Context, in *readIn) (*sheetOut, error) {
	if _, _, err := f.drawing(ctx, f.db, in.Kind, ""); err != nil {
		return nil, err
	}
	p, found, err := bpmn.Parse([]byte(in.Body.XML))
	if err != nil {
		return nil, err
	}
	if !p.Drawn() {
		bpmn.Layout(p)
	}
	s, err := f.onTable(ctx, in.Kind, p, found)
	return &sheetOut{s}, err
}

// draft is a drawing under way.
type draft struct {
	body    *Process
	version int64
}

func findDraft(ctx context.Context, q store.Queryer, kind string) (draft, error) {
	d, err := store.One(ctx, q, func(d *struct {
		body    store.JSON[*Process]
		version int64
	}) []any {
		return []any{&d.body, &d.version}
	}, `SELECT body, version FROM flow_draft WHERE kind = $1`, kind)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "flow.no_draft")
	}
	return draft{d.body.V, d.version}, err
}

type draftIn struct {
	Kind string `path:"kind" maxLength:"80"`
	Body struct {
		Process Process `json:"process"`
		Version int64   `json:"version" doc:"of the draft that was read, 0 for a new one"`
	}
}

type draftOut struct {
	Body struct {
		Sheet
		Draft int64 `json:"draft" doc:"version it has now"`
	}
}

// saveDraft keeps a drawing that is under way, whole or not.
func (f *Flow) saveDraft(ctx context.Context, in *draftIn) (*draftOut, error) {
	p := &in.Body.Process
	out := &draftOut{}
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "flow_def", in.Kind); err != nil {
			return err
		}
		if _, _, err := f.drawing(ctx, tx, in.Kind, ""); err != nil {
			return err
		}
		old, err := findDraft(ctx, tx, in.Kind)
		if err != nil && !errs.Is(err, errs.Missing) {
			return err
		}
		if old.version != in.Body.Version {
			return errs.New(errs.Conflict, "flow.draft_changed")
		}
		out.Body.Draft = old.version + 1
		if err := store.Exec(ctx, tx, `INSERT INTO flow_draft (kind, body, at, by_id, version) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (kind) DO UPDATE SET body = excluded.body, at = excluded.at, by_id = excluded.by_id, version = excluded.version`,
			in.Kind, store.JSON[*Process]{V: p}, store.At(f.now()), actorID(ctx), out.Body.Draft); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.draw", Object: "flow_def", ID: in.Kind, Title: p.Name})
	})
	if err != nil {
		return nil, err
	}
	out.Body.Sheet, err = f.onTable(ctx, in.Kind, p, nil)
	return out, err
}

// dropDraft throws a drawing under way away.
func (f *Flow) dropDraft(ctx context.Context, in *kindIn) (*struct{}, error) {
	return nil, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err := findDraft(ctx, tx, in.Kind)
		if err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `DELETE FROM flow_draft WHERE kind = $1`, in.Kind); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.drop_draft", Object: "flow_def", ID: in.Kind, Title: d.body.Name})
	})
}

type publishIn struct {
	Kind string `path:"kind" maxLength:"80"`
	Body struct {
		Version int64  `json:"version" doc:"of the draft"`
		Note    string `json:"note" minLength:"2" maxLength:"300" doc:"what is new"`
	}
}

type publishOut struct {
	Body struct {
		Def string `json:"def"`
	}
}

// publish makes the draft the newest version. What runs keeps its own until it is moved.
func (f *Flow) publish(ctx context.Context, in *publishIn) (*publishOut, error) {
	out := &publishOut{}
	return out, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err := findDraft(ctx, tx, in.Kind)
		if err != nil {
			return err
		}
		if d.version != in.Body.Version {
			return errs.New(errs.Conflict, "flow.draft_changed")
		}
		if out.Body.Def, err = f.keep(ctx, tx, in.Kind, d.body, "drawn", in.Body.Note); err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `DELETE FROM flow_draft WHERE kind = $1 AND version = $2`, in.Kind, d.version); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.publish", Object: "flow_def", ID: in.Kind, Title: d.body.Name, Purpose: in.Body.Note, Detail: map[string]any{"def": out.Body.Def}})
	})
}

type versionIn struct {
	Kind string `path:"kind" maxLength:"80"`
	Def  string `path:"def" maxLength:"40"`
}

func (f *Flow) showVersion(ctx context.Context, in *versionIn) (*sheetOut, error) {
	p, err := f.ofKind(ctx, f.db, in.Kind, in.Def)
	if err != nil {
		return nil, err
	}
	s, err := f.onTable(ctx, in.Kind, p, nil)
	return &sheetOut{s}, err
}

// ofKind reads a version of a kind; one of another kind is not there.
func (f *Flow) ofKind(ctx context.Context, q store.Queryer, kind, def string) (*Process, error) {
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM flow_def WHERE id = $1 AND kind = $2`, def, kind)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errs.New(errs.Missing, "flow.no_drawing", kind)
	}
	_, p, err := f.drawing(ctx, q, kind, def)
	return p, err
}

// serveXML gives a version, or the draft, as a file other tools read.
func (f *Flow) serveXML(w http.ResponseWriter, r *http.Request) error {
	ctx, kind, def := r.Context(), r.PathValue("kind"), r.PathValue("def")
	var p *Process
	var err error
	if def == "draft" {
		var d draft
		d, err = findDraft(ctx, f.db, kind)
		p = d.body
	} else {
		p, err = f.ofKind(ctx, f.db, kind, def)
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/xml; charset=utf-8")
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(p.Name+".bpmn"))
	_, err = w.Write(bpmn.Write(p))
	return err
}
