package burden

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/burden/internal/match"
)

// How data is shared (共享类型).
const (
	unconditional = "unconditional"
	conditional   = "conditional"
)

// Proposal is an item of the catalogue that may be what a field asks for.
type Proposal struct {
	Entry     string `json:"entry"`
	EntryName string `json:"entryName"`
	Code      string `json:"code" doc:"of the entry"`
	Item      string `json:"item"`
	Unit      string `json:"unit" doc:"provider"`
	UnitName  string `json:"unitName"`
	Share     string `json:"share" enum:"unconditional,conditional,refused"`
	Note      string `json:"note" doc:"condition of sharing, or the law that forbids it"`
	Score     int    `json:"score" doc:"of a hundred"`
	Why       string `json:"why" enum:"code,title,synonym,part,similar"`
}

// Same is a field of another report that asks the same.
type Same struct {
	Report   string `json:"report"`
	Title    string `json:"title"`
	Field    string `json:"field" doc:"key"`
	Name     string `json:"name"`
	Unit     string `json:"unit"`
	UnitName string `json:"unitName"`
	Period   string `json:"period"`
	State    State  `json:"state"`
	Score    int    `json:"score"`
}

// Match is what is known of one field.
type Match struct {
	Field     string     `json:"field" doc:"key"`
	State     string     `json:"state" enum:"auto,row,own,held,apply,closed,asked,new" doc:"auto: known of every recipient; row: says whom a row is about; own: in an entry of the same unit; held: held and shared unconditionally; apply: shared on application; closed: not shared; asked: another report asks it; new: nobody has it"`
	Proposals []Proposal `json:"proposals" nullable:"false"`
	Same      []Same     `json:"same" nullable:"false"`
}

// known keeps the catalogue ready to be searched.
type known struct {
	mu      sync.Mutex
	mark    string
	words   string
	entries map[string]*Entry
	items   []Item
	of      []string // entry of each item
	shelf   *match.Shelf
}

// book is the catalogue as it was when it was read.
type book struct {
	entries map[string]*Entry
	items   []Item
	of      []string
	shelf   *match.Shelf
}

// catalog returns the catalogue ready to be searched, read anew where an entry or the synonyms changed.
func (b *Burden) catalog(ctx context.Context, q store.Queryer) (book, error) {
	k := b.held
	k.mu.Lock()
	defer k.mu.Unlock()
	groups := b.same(ctx)
	words := ""
	for _, g := range groups {
		for _, w := range g {
			words += w + "="
		}
		words += "\n"
	}
	mark := k.mark
	if words != k.words || k.shelf == nil {
		mark = ""
	}
	all, now, err := b.catalogue.Published(ctx, q, mark)
	if err != nil {
		return book{}, err
	}
	if now != mark || k.shelf == nil {
		k.mark, k.words, k.entries, k.items, k.of = now, words, map[string]*Entry{}, nil, nil
		var shelf []match.Item
		for i := range all {
			e := &all[i]
			k.entries[e.ID] = e
			for _, it := range e.Items {
				k.items, k.of = append(k.items, it), append(k.of, e.ID)
				shelf = append(shelf, match.Item{Of: e.ID, Name: it.Name, Code: it.Column, Type: it.Type, Kind: it.Kind})
			}
		}
		k.shelf = match.New(shelf, groups)
	}
	return book{k.entries, k.items, k.of, k.shelf}, nil
}

const mostProposals = 5

// matched says of every field of a report what is known of it.
func (b *Burden) matched(ctx context.Context, q store.Queryer, r *report) ([]Match, error) {
	c, err := b.catalog(ctx, q)
	if err != nil {
		return nil, err
	}
	likely, sure := b.number(ctx, "likely"), b.number(ctx, "sure")
	others, shelf, err := b.others(ctx, q, r)
	if err != nil {
		return nil, err
	}
	found := make([][]match.Candidate, len(r.Fields.V))
	weight, surely := map[string]int{}, map[string]int{} // entries that hold many of the fields are the likelier ones for each
	vague := b.vague(ctx)
	for i, f := range r.Fields.V {
		if automatic(f.Kind) {
			continue
		}
		found[i] = c.shelf.Find(match.Field{Name: f.Name, Code: f.Code, Kind: f.Kind}, likely, 200)
		once := map[string]bool{}
		for _, x := range found[i] {
			if of := c.of[x.At]; !once[of] {
				once[of] = true
				if weight[of]++; x.Score >= sure {
					surely[of]++
				}
			}
		}
	}
	out := make([]Match, len(r.Fields.V))
	units := []string{}
	for i, f := range r.Fields.V {
		m := Match{Field: f.Key, Proposals: []Proposal{}, Same: []Same{}}
		if vague(f.Name) { // a general word is held only where the entry holds other fields of the report too
			for j, x := range found[i] {
				if x.Score >= sure && x.Why != match.ByCode && surely[c.of[x.At]] < 2 {
					found[i][j].Score = sure - 1
				}
			}
		}
		slices.SortStableFunc(found[i], func(x, y match.Candidate) int {
			return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(weight[c.of[y.At]], weight[c.of[x.At]]))
		})
		for _, x := range found[i][:min(len(found[i]), mostProposals)] {
			p := c.proposal(x)
			units = append(units, p.Unit)
			m.Proposals = append(m.Proposals, p)
		}
		if !automatic(f.Kind) && !f.RowKey && !vague(f.Name) {
			for _, x := range shelf.Find(match.Field{Name: f.Name, Code: f.Code, Kind: f.Kind}, sure, mostProposals) {
				s := others[x.At]
				s.Score = x.Score
				units = append(units, s.Unit)
				m.Same = append(m.Same, s)
			}
		}
		m.State = m.state(&f, r.Unit, sure)
		out[i] = m
	}
	names, err := b.org.UnitNames(ctx, q, units)
	for i := range out {
		for j := range out[i].Proposals {
			out[i].Proposals[j].UnitName = names[out[i].Proposals[j].Unit]
		}
		for j := range out[i].Same {
			out[i].Same[j].UnitName = names[out[i].Same[j].Unit]
		}
	}
	return out, err
}

func (c *book) proposal(x match.Candidate) Proposal {
	e, it := c.entries[c.of[x.At]], c.items[x.At]
	p := Proposal{Entry: e.ID, EntryName: e.Name, Code: e.Code, Item: it.Name, Unit: e.Unit, Share: it.Share, Score: x.Score, Why: x.Why}
	switch p.Share {
	case conditional:
		p.Note = e.Condition
	case "refused":
		p.Note = e.Basis
	}
	return p
}

type itemsIn struct {
	Text string `query:"text" minLength:"1" maxLength:"100" doc:"what is asked, in words"`
}
type itemsOut struct {
	Body struct {
		Items []Proposal `json:"items" nullable:"false" doc:"the likeliest first"`
	}
}

// findItems looks for items of the catalogue a report may take its fields from.
func (b *Burden) findItems(ctx context.Context, in *itemsIn) (*itemsOut, error) {
	c, err := b.catalog(ctx, b.db)
	if err != nil {
		return nil, err
	}
	out := &itemsOut{}
	out.Body.Items = []Proposal{}
	var units []string
	for _, x := range c.shelf.Find(match.Field{Name: in.Text}, 30, 20) {
		p := c.proposal(x)
		units = append(units, p.Unit)
		out.Body.Items = append(out.Body.Items, p)
	}
	names, err := b.org.UnitNames(ctx, b.db, units)
	for i := range out.Body.Items {
		out.Body.Items[i].UnitName = names[out.Body.Items[i].Unit]
	}
	return out, err
}

// state is the plain word for what is known: of the sure proposals the one that is shared most freely counts.
func (m *Match) state(f *Field, unit string, sure int) string {
	switch {
	case automatic(f.Kind):
		return "auto"
	case f.RowKey:
		return "row"
	}
	state := ""
	for _, p := range m.Proposals {
		if p.Score < sure {
			continue
		}
		switch {
		case p.Unit == unit:
			return "own"
		case p.Share == unconditional:
			state = "held"
		case p.Share == conditional && state != "held":
			state = "apply"
		case state == "":
			state = "closed"
		}
	}
	if state == "" && len(m.Same) > 0 {
		return "asked"
	}
	return cmp.Or(state, "new")
}

// others are the fields other departments' reports ask, of the last year, ready to be searched.
func (b *Burden) others(ctx context.Context, q store.Queryer, r *report) ([]Same, *match.Shelf, error) {
	all, err := store.All(ctx, q, scanReport, `SELECT `+reportColumns+` FROM burden a WHERE a.state IN ('review', 'approved') AND a.filed_at > $1 AND a.unit_id <> $2 AND a.id <> $3 ORDER BY a.filed_at DESC, a.id LIMIT 2000`,
		store.At(b.now().AddDate(-1, 0, 0)), r.Unit, r.ID)
	if err != nil {
		return nil, nil, err
	}
	var out []Same
	var items []match.Item
	for i := range all {
		o := &all[i]
		if o.Level != r.Level || !alike(r, o) {
			continue
		}
		for _, f := range o.Fields.V {
			if automatic(f.Kind) || f.RowKey || f.becomes() == fromData || f.becomes() == struck {
				continue
			}
			out = append(out, Same{Report: o.ID, Title: o.Title, Field: f.Key, Name: f.Name, Unit: o.Unit, Period: o.Period, State: o.State})
			items = append(items, match.Item{Of: o.ID, Name: f.Name, Code: f.Code, Kind: f.Kind})
		}
	}
	return out, match.New(items, b.same(ctx)), nil
}

// against says where a report breaks the rule: a field is held and shared unconditionally, and neither filled in from there, nor said to mean something else, nor asked to be exempted.
func (b *Burden) against(ctx context.Context, fields []Field, all []Match) []errs.Field {
	var bad []errs.Field
	sure := b.number(ctx, "sure")
	for i, m := range all {
		f := fields[i]
		if m.State != "held" || f.Decide != "" && f.Decide != share {
			continue
		}
		j := slices.IndexFunc(m.Proposals, func(p Proposal) bool { return p.Share == unconditional && p.Score >= sure })
		p := m.Proposals[j]
		bad = append(bad, errs.Field{Name: "fields." + f.Key, Row: i + 1, Key: "burden.held", Args: []any{f.Name, p.EntryName, p.Item, p.UnitName}})
	}
	return bad
}

// fallback names for every exemption that is asked the item that fills the field in should it not be granted.
func (b *Burden) fallback(ctx context.Context, fields []Field, all []Match) {
	sure := b.number(ctx, "sure")
	for i, m := range all {
		if f := &fields[i]; f.Decide == exempt {
			for _, p := range m.Proposals {
				if p.Share == unconditional && p.Score >= sure {
					f.Entry, f.Item, f.EntryName = p.Entry, p.Item, p.EntryName
					break
				}
			}
		}
	}
}

// settle checks what the department decided of each field against the catalogue as it is, and names the entries.
func (b *Burden) settle(ctx context.Context, q store.Queryer, fields []Field) ([]errs.Field, error) {
	c, err := b.catalog(ctx, q)
	if err != nil {
		return nil, err
	}
	var bad []errs.Field
	for i := range fields {
		f := &fields[i]
		if f.EntryName = ""; f.Decide != prefill || automatic(f.Kind) {
			continue
		}
		e, ok := c.entries[f.Entry]
		if ok {
			ok = slices.ContainsFunc(e.Items, func(it Item) bool { return it.Name == f.Item })
		}
		if !ok {
			bad = append(bad, errs.Field{Name: "fields." + f.Key, Row: i + 1, Key: "burden.gone", Args: []any{f.Name, f.Item}})
			continue
		}
		f.EntryName = e.Name
	}
	return bad, nil
}
