package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
)

// The kinds of case of this room.
const (
	kindPublish = "catalog.publish"
	kindChange  = "catalog.change"
	kindOffline = "catalog.offline"
	kindMount   = "catalog.mount"
	kindDemand  = "catalog.demand"
)

// prefixes number the cases of each kind: 目录, 变更, 下线, 挂接, 需求.
var prefixes = map[string]string{kindPublish: "ML", kindChange: "MLB", kindOffline: "MLX", kindMount: "GJ", kindDemand: "XQ"}

// Released is what is told when a version of an entry begins to serve.
type Released struct {
	Entry  string `json:"entry"`
	Code   string `json:"code"`
	Number int64  `json:"number"`
}

// Withdrawn is what is told when an entry is taken offline.
type Withdrawn struct {
	Entry string `json:"entry"`
	Code  string `json:"code"`
}

// deploy draws the flows of this room with the limits that are set.
func (c *Catalog) deploy(ctx context.Context, tx *store.Tx) error {
	days := map[string]string{"dept": "dept_days", "bureau": "bureau_days", "publish": "publish_days", "check": "mount_days", "assign": "assign_days", "answer": "answer_days", "supply": "supply_days"}
	for kind := range prefixes {
		src, err := drawings.ReadFile("flow/" + strings.TrimPrefix(kind, "catalog.") + ".bpmn")
		if err != nil {
			return err
		}
		p, err := flow.ReadXML(src)
		if err != nil {
			return err
		}
		for _, n := range p.Nodes {
			if name := days[n.ID]; name != "" && n.Task != nil && len(n.Task.Limit) > 0 {
				n.Task.Limit[0].N = float64(c.number(ctx, name))
			}
		}
		if _, err := c.flow.Deploy(ctx, tx, kind, p); err != nil {
			return err
		}
	}
	return nil
}

// begin begins a case about one of this room's rows.
func (c *Catalog) begin(ctx context.Context, tx *store.Tx, kind, object, title, unit, street, opinion string) error {
	_, err := c.flow.Begin(ctx, tx, flow.NewCase{Object: object, Title: title, Unit: unit, Street: street, Opinion: opinion,
		Kind: flow.Kind{Key: kind, Room: "catalog", Number: flow.Numbering{Prefix: prefixes[kind], Per: "year", Digits: 5}}})
	return err
}

// review begins a case about an entry.
func (c *Catalog) review(ctx context.Context, tx *store.Tx, kind string, e *Entry, opinion string) error {
	return c.begin(ctx, tx, kind, e.ID+"/"+strconv.FormatInt(e.Version, 10), e.Name, e.Unit, e.Street, opinion)
}

// host is what flow asks of this room.
func (c *Catalog) host() flow.Host {
	return flow.Host{
		Vars: func(ctx context.Context, q store.Queryer, _ *flow.Case) (map[string]any, error) {
			bureau, err := c.unitSet(ctx, q, "bureau")
			if err != nil {
				return nil, err
			}
			centre, err := c.unitSet(ctx, q, "centre")
			return map[string]any{"bureau": bureau, "centre": centre}, err
		},
		Types: func(context.Context, store.Queryer, string) (map[string]rule.Type, error) {
			return map[string]rule.Type{"bureau": rule.Words, "centre": rule.Words}, nil
		},
		Apply:   c.apply,
		Changed: c.changed,
		CanRead: c.canRead,
		Link:    link,
		Audited: "catalog",
	}
}

func link(k *flow.Case) string {
	switch k.Kind {
	case kindDemand:
		return "/catalog/demands/" + k.Object
	case kindMount:
		return "/flow/cases/" + k.ID
	}
	return "/catalog/entries/" + entryOf(k)
}

// entryOf is the entry a case is about. An entry has many cases one after the other, and an object of flow one, so theirs are
// "<entry>/<version of its row>".
func entryOf(k *flow.Case) string {
	id, _, _ := strings.Cut(k.Object, "/")
	return id
}

// apply checks and keeps what a step's form said.
func (c *Catalog) apply(ctx context.Context, tx *store.Tx, k *flow.Case, node, outcome string, data json.RawMessage) error {
	switch {
	case k.Kind == kindDemand:
		return c.applyDemand(ctx, tx, k, node, outcome, data)
	case (k.Kind == kindPublish || k.Kind == kindChange) && node == "fill":
		e, err := c.locked(ctx, tx, entryOf(k))
		if err != nil {
			return err
		}
		if _, err := c.ready(ctx, tx, &e); err != nil {
			return err
		}
		k.Title = e.Name
		return saveEntry(ctx, tx, &e)
	case k.Kind == kindMount && node == "check":
		return c.checkMount(ctx, tx, k)
	}
	return nil
}

// canRead lets those into a case who may see what it is about.
func (c *Catalog) canRead(ctx context.Context, q store.Queryer, k *flow.Case) error {
	switch k.Kind {
	case kindDemand:
		_, err := findDemand(ctx, q, store.And(store.C("d.id = $1", k.Object), demandScope(ctx).Cond()))
		return err
	case kindMount:
		_, err := findEntry(ctx, q, store.And(store.C("c.id IN (SELECT entry FROM catalog_mount WHERE id = $1)", k.Object), inWork(ctx)))
		return err
	}
	_, err := findEntry(ctx, q, store.And(store.C("c.id = $1", entryOf(k)), inWork(ctx)))
	return err
}

// changed writes where a case stands on the row it is about, and lets what it decided hold when it ends.
func (c *Catalog) changed(ctx context.Context, tx *store.Tx, k *flow.Case) error {
	switch k.Kind {
	case kindDemand:
		return c.demandChanged(ctx, tx, k)
	case kindMount:
		return c.mountChanged(ctx, tx, k)
	}
	e, err := c.locked(ctx, tx, entryOf(k))
	if err != nil {
		return err
	}
	e.Case, e.CaseKind, e.Number, e.Step, e.CaseState, e.Holder, e.Due, e.Closed, e.Late = k.ID, k.Kind, k.Number, k.Step, string(k.State), k.Holder, k.Due, k.ClosedAt, k.Late
	switch k.State {
	case flow.Open, flow.Suspended:
		err = c.stands(ctx, tx, k, &e)
	case flow.Closed:
		if k.Kind == kindOffline {
			err = c.withdrawn(ctx, tx, &e)
		} else {
			err = c.published(ctx, tx, &e)
		}
	default: // stopped, or told by another case: what was drafted stays a draft
		e.Work = ""
		if e.Working > 0 {
			e.Work = workDraft
		}
	}
	if err != nil {
		return err
	}
	if err := saveEntry(ctx, tx, &e); err != nil {
		return err
	}
	return c.find.Touch(ctx, tx, foundAs, e.ID)
}

// stands reads from the open steps of a case where the version in work stands.
func (c *Catalog) stands(ctx context.Context, q store.Queryer, k *flow.Case, e *Entry) error {
	if k.Kind == kindOffline {
		e.Work = workOffline
		return nil
	}
	open, err := c.flow.Waiting(ctx, q, k.ID)
	if err != nil || e.Working == 0 { // a case opened again after its version was published moves nothing
		return err
	}
	at := map[string]string{"fill": workDraft, "dept": workDept, "bureau": workBureau, "publish": workApproved}
	for _, w := range open {
		if s := at[w.Node]; s != "" {
			e.Work = s
			return nil
		}
	}
	if len(open) > 0 { // a step that was drawn in counts to the bureau's review
		e.Work = workBureau
	}
	return nil
}

// published makes the version in work the one that serves.
func (c *Catalog) published(ctx context.Context, tx *store.Tx, e *Entry) error {
	if e.Working == 0 {
		return nil
	}
	b, err := c.ready(ctx, tx, e)
	if err != nil {
		return err
	}
	var before *entry.Body
	if e.Serving > 0 {
		old, err := findVersion(ctx, tx, e.ID, e.Serving)
		if err != nil {
			return err
		}
		before = &old.Body.V
	}
	now := store.At(c.now())
	if err := publishVersion(ctx, tx, e.ID, e.Working, now); err != nil {
		return err
	}
	e.wear(b)
	e.State, e.Serving, e.Working, e.Work, e.Changed = Published, e.Working, 0, "", now
	if e.Published.IsZero() {
		e.Published = now
	}
	if err := c.weigh(ctx, tx, e, b); err != nil {
		return err
	}
	key := "catalog.told_changed"
	switch {
	case before == nil:
		key = "catalog.told_published"
	case entry.Narrowed(before, b):
		key = "catalog.told_narrowed"
	}
	if err := c.tellWatchers(ctx, tx, e, key); err != nil {
		return err
	}
	if err := c.bus.Emit(ctx, tx, "catalog.published", Released{e.ID, e.Code, e.Serving}); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.publish", Object: "catalog", ID: e.ID, Title: e.Name,
		Detail: map[string]any{"code": e.Code, "number": e.Serving, "share": e.Share, "open": e.Open, "level": e.Level, "items": e.Items}})
}

// withdrawn takes an entry offline.
func (c *Catalog) withdrawn(ctx context.Context, tx *store.Tx, e *Entry) error {
	if e.State != Published {
		return nil
	}
	e.State, e.Work, e.Changed = Offline, "", store.At(c.now())
	if err := c.tellWatchers(ctx, tx, e, "catalog.told_offline"); err != nil {
		return err
	}
	if err := c.bus.Emit(ctx, tx, "catalog.offline", Withdrawn{e.ID, e.Code}); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.offline", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"code": e.Code}})
}

// tellWatchers tells those who watch an entry, and who drafted it, what became of it; not who did it himself.
func (c *Catalog) tellWatchers(ctx context.Context, tx *store.Tx, e *Entry, key string) error {
	people, err := store.Column[string](ctx, tx, `SELECT person FROM catalog_watch WHERE entry = $1`, e.ID)
	if err != nil {
		return err
	}
	var to []string
	for _, p := range append(people, e.Owner) {
		if p != authz.From(ctx).Person {
			to = append(to, p)
		}
	}
	return c.notify.Send(ctx, tx, notify.Notice{To: to, Key: key, Args: []any{e.Name}, Link: "/catalog/entries/" + e.ID, Object: "catalog", ID: e.ID})
}

// locked returns an entry nobody else decides on until the transaction ends.
func (c *Catalog) locked(ctx context.Context, tx *store.Tx, id string) (Entry, error) {
	if err := store.Lock(ctx, tx, "catalog", id); err != nil {
		return Entry{}, err
	}
	return findEntry(ctx, tx, store.C("c.id = $1", id))
}

// ready checks the version in work strictly and gives the entry its code: what it returns may be reviewed, or published.
func (c *Catalog) ready(ctx context.Context, tx *store.Tx, e *Entry) (*entry.Body, error) {
	v, err := findVersion(ctx, tx, e.ID, e.Working)
	if err != nil {
		return nil, err
	}
	b := &v.Body.V
	bad, err := c.faults(ctx, tx, e, b)
	if err != nil {
		return nil, err
	}
	if len(bad) > 0 {
		return nil, errs.New(errs.Invalid, "catalog.not_ready", len(bad)).With(bad...)
	}
	return b, c.code(ctx, tx, e, b)
}

// faults says what is wrong with a body, the rules that need a look at other rows included.
func (c *Catalog) faults(ctx context.Context, q store.Queryer, e *Entry, b *entry.Body) ([]errs.Field, error) {
	bad := entry.Check(b, c.rules(ctx))
	all, err := classes(ctx, q)
	if err != nil {
		return nil, err
	}
	known := false
	for _, k := range all {
		known = known || k.Code == b.Node() && !k.Retired
	}
	if !known {
		bad = append(bad, errs.Field{Name: "item", Key: "catalog.no_class", Args: []any{b.Node()}})
	}
	if was, _, _ := strings.Cut(e.Code, "/"); e.Serving > 0 && was != b.Classification() {
		bad = append(bad, errs.Field{Name: "item", Key: "catalog.class_fixed", Args: []any{e.Code}})
	}
	if b.Unit != "" {
		units, err := c.org.Units(ctx, q, []string{b.Unit})
		if err != nil {
			return nil, err
		}
		if u, ok := units[b.Unit]; !ok || !u.Closed.IsZero() {
			bad = append(bad, errs.Field{Name: "unit", Key: "catalog.no_unit"})
		}
	}
	have, err := knownCodes(ctx, q, b.Related)
	if err != nil {
		return nil, err
	}
	for _, code := range b.Related {
		if !slices.Contains(have, code) || code == e.Code {
			bad = append(bad, errs.Field{Name: "related", Key: "catalog.no_related", Args: []any{code}})
		}
	}
	return bad, nil
}

// code gives an entry its resource code. One that has none yet, or was classed anew before it ever was published, gets the
// next of its classification; the one it had is retired. After that it never changes.
func (c *Catalog) code(ctx context.Context, tx *store.Tx, e *Entry, b *entry.Body) error {
	was, _, _ := strings.Cut(e.Code, "/")
	if e.Code != "" && was == b.Classification() || e.Serving > 0 {
		return nil
	}
	now := store.At(c.now())
	if e.Code != "" {
		if err := store.Exec(ctx, tx, `UPDATE catalog_code SET retired_at = $1 WHERE code = $2`, now, e.Code); err != nil {
			return err
		}
	}
	n, err := nextSerial(ctx, tx, b.Classification())
	if err != nil {
		return err
	}
	e.Code = c.rules(ctx).Shape.Code(b, n)
	return store.Exec(ctx, tx, `INSERT INTO catalog_code (code, entry, at) VALUES ($1, $2, $3)`, e.Code, e.ID, now)
}
