package cascade

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// LinkItem is an entry of the own catalogue on its way up.
type LinkItem struct {
	ID        string     `json:"id"`
	Node      string     `json:"node"`
	Entry     string     `json:"entry" doc:"id in the catalogue"`
	Name      string     `json:"name"`
	Unit      string     `json:"unit"`
	UnitName  string     `json:"unitName"`
	LocalCode string     `json:"localCode"`
	UpperCode string     `json:"upperCode" doc:"empty until it is accepted"`
	Offline   bool       `json:"offline"`
	State     string     `json:"state" enum:"pending,sent,accepted,rejected"`
	Why       string     `json:"why"`
	Overdue   bool       `json:"overdue"`
	Synced    store.Time `json:"syncedAt"`
	At        store.Time `json:"at"`
}

type linksIn struct {
	store.Page
	Node  string `query:"node" maxLength:"40"`
	State string `query:"state" enum:",pending,sent,accepted,rejected"`
	Text  string `query:"text" maxLength:"100"`
}

type linksOut struct{ Body store.Listed[LinkItem] }

func (c *Cascade) listLinks(ctx context.Context, in *linksIn) (*linksOut, error) {
	where := only(map[string]string{"l.node": in.Node, "l.state": in.State})
	if in.Text != "" {
		like := store.Anywhere(in.Text)
		where = append(where, store.C(`lower(l.name) LIKE lower($1) ESCAPE '!' OR lower(l.local_code) LIKE lower($2) ESCAPE '!' OR lower(l.upper_code) LIKE lower($3) ESCAPE '!'`, like, like, like))
	}
	all, err := store.List(ctx, c.db, store.Query[Link]{Select: `SELECT ` + linkColumns + ` FROM cascade_link l`, Scope: store.Unscoped("published entries are every department's to know"),
		Where: where, Keys: []string{"l.at", "l.id"}, Desc: true, Page: in.Page, Scan: scanLink, Cursor: func(l *Link) []any { return []any{l.At, l.ID} }})
	if err != nil {
		return nil, err
	}
	var units []string
	for _, l := range all.Items {
		units = append(units, l.Unit)
	}
	named, err := c.names.Units(ctx, c.db, units)
	out := store.Listed[LinkItem]{Items: []LinkItem{}, Next: all.Next}
	late := c.late(ctx)
	for _, l := range all.Items {
		out.Items = append(out.Items, LinkItem{ID: l.ID, Node: l.Node, Entry: l.Entry, Name: l.Name, Unit: l.Unit, UnitName: named[l.Unit], LocalCode: l.LocalCode, UpperCode: l.UpperCode, Offline: l.Op == opOffline,
			State: l.State, Why: c.say(ctx, l.Fault), Overdue: l.State == stateSent && l.Synced.Before(late.Time), Synced: l.Synced, At: l.At})
	}
	return &linksOut{out}, err
}

type retryIn struct {
	Body struct {
		ID string `json:"id" maxLength:"100"`
	}
}

// retryLink sends an entry that was rejected, or whose receipt never came, once more.
func (c *Cascade) retryLink(ctx context.Context, in *retryIn) (*struct{}, error) {
	return nil, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := links(ctx, tx, store.C("l.id = $1", in.Body.ID), 1)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errs.New(errs.Missing, "cascade.missing")
		}
		l := all[0]
		if l.State != stateRejected && l.State != stateSent {
			return errs.New(errs.Conflict, "cascade.no_retry")
		}
		if err := store.ExecOne(ctx, tx, `UPDATE cascade_link SET state = 'pending', batch = '', turn = turn + 1 WHERE id = $1 AND turn = $2`, l.ID, l.Turn); err != nil {
			return err
		}
		if err := c.soon(ctx, tx, l.Node); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.retry", Object: "cascade_link", ID: l.ID, Title: l.Name})
	})
}

// EntryItem is an entry of a lower node's catalogue.
type EntryItem struct {
	ID        string     `json:"id"`
	Node      string     `json:"node"`
	NodeName  string     `json:"nodeName"`
	LocalCode string     `json:"localCode"`
	UpperCode string     `json:"upperCode"`
	Name      string     `json:"name"`
	Provider  string     `json:"provider"`
	Share     string     `json:"share"`
	Condition string     `json:"condition"`
	Basis     string     `json:"basis"`
	Open      bool       `json:"open"`
	Cycle     string     `json:"cycle"`
	Level     string     `json:"level"`
	Items     []Item     `json:"items" nullable:"false"`
	Number    int64      `json:"number" doc:"version accepted, 0 for none"`
	State     string     `json:"state" enum:"accepted,offline,rejected"`
	Why       string     `json:"why" doc:"why the version sent last was not accepted"`
	At        store.Time `json:"at"`
}

type entriesIn struct {
	store.Page
	Node  string `query:"node" maxLength:"40"`
	State string `query:"state" enum:",accepted,offline,rejected"`
	Share string `query:"share" enum:",unconditional,conditional,refused"`
	Text  string `query:"text" maxLength:"100"`
}

type entriesOut struct{ Body store.Listed[EntryItem] }

func (c *Cascade) listEntries(ctx context.Context, in *entriesIn) (*entriesOut, error) {
	where := only(map[string]string{"e.node": in.Node, "e.state": in.State, "e.share": in.Share})
	if in.Text != "" {
		like := store.Anywhere(in.Text)
		where = append(where, store.C(`lower(e.name) LIKE lower($1) ESCAPE '!' OR lower(e.provider) LIKE lower($2) ESCAPE '!' OR lower(e.upper_code) LIKE lower($3) ESCAPE '!' OR lower(e.local_code) LIKE lower($4) ESCAPE '!'`, like, like, like, like))
	}
	all, err := store.List(ctx, c.db, store.Query[Held]{Select: `SELECT ` + entryColumns + ` FROM cascade_entry e`, Scope: store.Unscoped("the catalogue is every department's to know"),
		Where: where, Keys: []string{"e.at", "e.id"}, Desc: true, Page: in.Page, Scan: scanHeld, Cursor: func(h *Held) []any { return []any{h.At, h.ID} }})
	if err != nil {
		return nil, err
	}
	peers, err := c.peers(ctx)
	out := store.Listed[EntryItem]{Items: []EntryItem{}, Next: all.Next}
	for _, h := range all.Items {
		e := &h.Entry
		out.Items = append(out.Items, EntryItem{ID: h.ID, Node: h.Node, NodeName: peers[h.Node], LocalCode: e.Code, UpperCode: h.UpperCode, Name: e.Name, Provider: e.Provider, Share: e.Share, Condition: e.Condition,
			Basis: e.Basis, Open: e.Open, Cycle: e.Cycle, Level: string(e.Level), Items: e.Items, Number: h.Number, State: h.State, Why: c.say(ctx, h.Fault), At: h.At})
	}
	return &entriesOut{out}, err
}

// peers are the names of all nodes.
func (c *Cascade) peers(ctx context.Context) (map[string]string, error) {
	all, err := nodes(ctx, c.db, store.C("TRUE"))
	out := map[string]string{}
	for _, n := range all {
		out[n.ID] = n.Name
	}
	return out, err
}

// FeedItem is a dataset given to a lower node.
type FeedItem struct {
	ID       string         `json:"id"`
	Node     string         `json:"node"`
	NodeName string         `json:"nodeName"`
	Dataset  string         `json:"dataset"`
	Name     string         `json:"name"`
	Title    string         `json:"title"`
	Columns  []string       `json:"columns" nullable:"false"`
	Filter   dataset.Filter `json:"filter" nullable:"false"`
	Purpose  string         `json:"purpose"`
	State    string         `json:"state" enum:"active,stopped"`
	Batch    string         `json:"batch" doc:"that carries the version sent last, empty for none"`
	Seq      int64          `json:"seq"`
	Standing string         `json:"standing" doc:"of that batch, empty for none"`
	Rows     int64          `json:"rows"`
	Why      string         `json:"why"`
	ByName   string         `json:"byName"`
	At       store.Time     `json:"at"`
	Version  int64          `json:"version"`
}

type feedsOut struct{ Body store.Listed[FeedItem] }

type pageIn struct{ store.Page }

func (c *Cascade) listFeeds(ctx context.Context, in *pageIn) (*feedsOut, error) {
	all, err := store.List(ctx, c.db, store.Query[Feed]{Select: `SELECT ` + feedColumns + ` FROM cascade_feed f`, Scope: store.Unscoped("who may read the exchange sees what is given to whom, and none of the data"),
		Keys: []string{"f.at", "f.id"}, Desc: true, Page: in.Page, Scan: scanFeed, Cursor: func(f *Feed) []any { return []any{f.At, f.ID} }})
	if err != nil {
		return nil, err
	}
	peers, err := c.peers(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range all.Items {
		ids = append(ids, f.Batch)
	}
	carried, err := batches(ctx, c.db, store.In("b.id", ids))
	of := map[string]Batch{}
	for _, b := range carried {
		of[b.ID] = b
	}
	out := store.Listed[FeedItem]{Items: []FeedItem{}, Next: all.Next}
	for _, f := range all.Items {
		b := of[f.Batch]
		why := c.say(ctx, f.Fault)
		if why == "" {
			why = c.say(ctx, b.Fault)
		}
		out.Items = append(out.Items, FeedItem{ID: f.ID, Node: f.Node, NodeName: peers[f.Node], Dataset: f.Dataset, Name: f.Name, Title: f.Title, Columns: f.Columns, Filter: f.Filter, Purpose: f.Purpose, State: f.State,
			Batch: f.Batch, Seq: b.Seq, Standing: b.State, Rows: b.Rows, Why: why, ByName: f.ByName, At: f.At, Version: f.Version})
	}
	return &feedsOut{out}, err
}

// Offerable is a dataset the actor may give to a lower node.
type Offerable struct {
	ID      string           `json:"id"`
	Title   string           `json:"title"`
	Name    string           `json:"name"`
	Rows    int64            `json:"rows"`
	Columns []dataset.Column `json:"columns" nullable:"false"`
}

type offerableIn struct {
	store.Page
	Text string `query:"text" maxLength:"100"`
}

type offerableOut struct{ Body store.Listed[Offerable] }

func (c *Cascade) offerable(ctx context.Context, in *offerableIn) (*offerableOut, error) {
	all, err := c.datasets.List(ctx, c.db, dataset.WithVersions(dataset.Reach(ctx, "cascade.offer")), in.Text, in.Page)
	out := store.Listed[Offerable]{Items: []Offerable{}, Next: all.Next}
	for _, d := range all.Items {
		out.Items = append(out.Items, Offerable{d.ID, d.Title, d.Name, d.Rows, d.Columns})
	}
	return &offerableOut{out}, err
}

type offerIn struct {
	Body struct {
		Node    string         `json:"node" maxLength:"40"`
		Dataset string         `json:"dataset" maxLength:"40"`
		Columns []string       `json:"columns" minItems:"1" maxItems:"1000" nullable:"false"`
		Filter  dataset.Filter `json:"filter" required:"false" nullable:"false"`
		Purpose string         `json:"purpose" minLength:"4" maxLength:"500"`
	}
}

type idOut struct {
	Body struct {
		ID string `json:"id"`
	}
}

// offer gives a dataset, or part of it, to a lower node: now, and with every new version.
func (c *Cascade) offer(ctx context.Context, in *offerIn) (*idOut, error) {
	out := &idOut{}
	me := authz.From(ctx)
	return out, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := lockNode(ctx, tx, in.Body.Node)
		if err != nil {
			return err
		}
		if n.Role != Lower {
			return errs.New(errs.Invalid, "cascade.only_down")
		}
		ds, err := c.datasets.Get(ctx, tx, in.Body.Dataset, dataset.Reach(ctx, "cascade.offer"))
		if err == nil && ds.IsLive() {
			err = errs.New(errs.Invalid, "cascade.live", ds.Title)
		}
		if err != nil {
			return err
		}
		f := &Feed{ID: id.New(), Node: n.ID, Dataset: ds.ID, Name: ds.Name, Title: ds.Title, Columns: in.Body.Columns, Filter: in.Body.Filter, Purpose: strings.TrimSpace(in.Body.Purpose), State: active,
			Unit: ds.Unit, Street: ds.Street, Owner: ds.Owner, By: me.Person, ByName: me.Name, At: store.At(c.now()), Version: 1}
		if f.Filter == nil {
			f.Filter = dataset.Filter{}
		}
		if _, err := f.columns(ds); err != nil {
			return err
		}
		if _, err := f.Filter.Cond(ds); err != nil {
			return err
		}
		out.Body.ID = f.ID
		if err := insertFeed(ctx, tx, f); err != nil {
			return err
		}
		if err := c.soon(ctx, tx, n.ID); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.offer", Object: "cascade_feed", ID: f.ID, Title: ds.Title, Purpose: f.Purpose,
			Detail: map[string]any{"to": n.Code, "dataset": ds.Name, "columns": f.Columns, "level": ds.Level, "filtered": len(f.Filter)}})
	})
}

type stopIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version"`
	}
}

func (c *Cascade) stopFeed(ctx context.Context, in *stopIn) (*struct{}, error) {
	return nil, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		mine := authz.WhereCols(ctx, "cascade.offer", authz.Cols{Unit: "f.unit_id", Street: "f.street", Owner: "f.owner"})
		all, err := feeds(ctx, tx, store.And(store.C("f.id = $1", in.ID), mine.Cond()))
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errs.New(errs.Missing, "cascade.missing")
		}
		if err := store.ExecOne(ctx, tx, `UPDATE cascade_feed SET state = 'stopped', version = version + 1 WHERE id = $1 AND version = $2 AND state = 'active'`, in.ID, in.Body.Version); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.stop", Object: "cascade_feed", ID: in.ID, Title: all[0].Title})
	})
}

// SourceItem is a dataset an upper node gives to this one.
type SourceItem struct {
	ID       string     `json:"id"`
	Node     string     `json:"node"`
	NodeName string     `json:"nodeName"`
	Title    string     `json:"title"`
	Dataset  string     `json:"dataset" doc:"id here"`
	Name     string     `json:"name" doc:"name here"`
	Number   int64      `json:"number" doc:"version at the upper node"`
	Rows     int64      `json:"rows"`
	Root     string     `json:"root"`
	Mark     store.Time `json:"watermark"`
	At       store.Time `json:"at"`
}

type sourcesOut struct{ Body store.Listed[SourceItem] }

func (c *Cascade) listSources(ctx context.Context, in *pageIn) (*sourcesOut, error) {
	all, err := store.List(ctx, c.db, store.Query[Source]{Select: `SELECT ` + sourceColumns + ` FROM cascade_source s`, Scope: store.Unscoped("who may read the exchange sees what came, and none of the data"),
		Keys: []string{"s.at", "s.id"}, Desc: true, Page: in.Page, Scan: scanSource, Cursor: func(s *Source) []any { return []any{s.At, s.ID} }})
	if err != nil {
		return nil, err
	}
	peers, err := c.peers(ctx)
	out := store.Listed[SourceItem]{Items: []SourceItem{}, Next: all.Next}
	for _, s := range all.Items {
		out.Items = append(out.Items, SourceItem{s.ID, s.Node, peers[s.Node], s.Title, s.Dataset, s.Name, s.Number, s.Rows, s.Root, s.Mark, s.At})
	}
	return &sourcesOut{out}, err
}
