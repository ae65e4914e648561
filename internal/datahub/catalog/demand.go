package catalog

import (
	"context"
	"encoding/json"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow"
)

// demand is data a unit needs and cannot find in the catalogue (供需对接): raised, given to the unit in charge, answered,
// catalogued and bound, and rated by who raised it.
type demand struct {
	ID, Title, Purpose, Basis, Wanted, Mode, Cycle string
	Unit, Street, Owner, OwnerName                 string
	Provider, Answer, Note, Entry, Met             string
	Score                                          int64
	At, Answered                                   store.Time
	Case, Number, Step, CaseState, Holder          string
	Due, Closed                                    store.Time
	Late                                           bool
}

const demandColumns = `d.id, d.title, d.purpose, d.basis, d.wanted, d.mode, d.cycle, d.unit_id, d.street, d.owner, d.owner_name, d.provider, d.answer, d.answer_note, d.entry, d.met, d.score,
	d.at, d.answered_at, d.case_id, d.number, d.step, d.case_state, d.holder, d.due_at, d.closed_at, d.late`

func scanDemand(d *demand) []any {
	return []any{&d.ID, &d.Title, &d.Purpose, &d.Basis, &d.Wanted, &d.Mode, &d.Cycle, &d.Unit, &d.Street, &d.Owner, &d.OwnerName, &d.Provider, &d.Answer, &d.Note, &d.Entry, &d.Met, &d.Score,
		&d.At, &d.Answered, &d.Case, &d.Number, &d.Step, &d.CaseState, &d.Holder, &d.Due, &d.Closed, &d.Late}
}

// demandScope is which demands the actor sees: what the district needs is every department's to know, so that whoever has it
// may say so; it holds no data.
func demandScope(ctx context.Context) store.Scope {
	if !authz.From(ctx).Can("catalog.read") {
		return store.Scope{}
	}
	return store.Unscoped("the list of demands is one of the three lists every department reads")
}

func findDemand(ctx context.Context, q store.Queryer, where store.Cond) (demand, error) {
	d, err := store.One(ctx, q, scanDemand, `SELECT `+demandColumns+` FROM catalog_demand d WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "catalog.no_demand")
	}
	return d, err
}

func saveDemand(ctx context.Context, tx *store.Tx, d *demand) error {
	return store.ExecOne(ctx, tx, `UPDATE catalog_demand SET provider = $1, answer = $2, answer_note = $3, entry = $4, met = $5, score = $6, answered_at = $7, case_id = $8, number = $9, step = $10,
		case_state = $11, holder = $12, due_at = $13, closed_at = $14, late = $15 WHERE id = $16`,
		d.Provider, d.Answer, d.Note, d.Entry, d.Met, d.Score, d.Answered, d.Case, d.Number, d.Step, d.CaseState, d.Holder, d.Due, d.Closed, d.Late, d.ID)
}

func (c *Catalog) heldDemand(ctx context.Context, tx *store.Tx, id string) (demand, error) {
	if err := store.Lock(ctx, tx, "catalog_demand", id); err != nil {
		return demand{}, err
	}
	return findDemand(ctx, tx, store.C("d.id = $1", id))
}

// said is what the form of a step says of a demand.
type said struct {
	Provider string `json:"provider"`
	Entry    string `json:"entry"`
	Note     string `json:"note"`
	Score    int64  `json:"score"`
}

// applyDemand keeps what a step said: who answers, what he answers, which entry meets it, how it is rated.
func (c *Catalog) applyDemand(ctx context.Context, tx *store.Tx, k *flow.Case, node, outcome string, data json.RawMessage) error {
	var in said
	if len(data) > 0 {
		if err := json.Unmarshal(data, &in); err != nil {
			return errs.New(errs.Invalid, "web.unreadable")
		}
	}
	d, err := c.heldDemand(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	wanting := func(field, key string) error {
		return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: field, Key: "catalog." + key})
	}
	switch node {
	case "assign":
		u, err := c.org.Unit(ctx, tx, in.Provider)
		if errs.Is(err, errs.Missing) || err == nil && !u.Closed.IsZero() {
			return wanting("provider", "no_provider")
		}
		if err != nil {
			return err
		}
		d.Provider, k.Unit = u.ID, u.ID
	case "answer":
		d.Answer, d.Note, d.Answered = outcome, strings.TrimSpace(in.Note), store.At(c.now())
		if outcome == "have" {
			err = c.meets(ctx, tx, &d, in.Entry)
		}
	case "supply":
		err = c.meets(ctx, tx, &d, in.Entry)
	case "accept":
		if in.Score < 1 || in.Score > 5 {
			return wanting("score", "no_score")
		}
		d.Met, d.Score = outcome, in.Score
	}
	if err != nil {
		return err
	}
	return saveDemand(ctx, tx, &d)
}

// meets names the published entry that answers a demand.
func (c *Catalog) meets(ctx context.Context, q store.Queryer, d *demand, entry string) error {
	e, err := findEntry(ctx, q, store.C("c.id = $1 AND c.state = 'published'", entry))
	if errs.Is(err, errs.Missing) {
		return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: "entry", Key: "catalog.no_answer_entry"})
	}
	d.Entry = e.ID
	return err
}

func (c *Catalog) demandChanged(ctx context.Context, tx *store.Tx, k *flow.Case) error {
	d, err := c.heldDemand(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	d.Case, d.Number, d.Step, d.CaseState, d.Holder, d.Due, d.Closed, d.Late = k.ID, k.Number, k.Step, string(k.State), k.Holder, k.Due, k.ClosedAt, k.Late
	return saveDemand(ctx, tx, &d)
}

// DemandLine is a demand in a list.
type DemandLine struct {
	ID           string     `json:"id"`
	Number       string     `json:"number"`
	Title        string     `json:"title"`
	Wanted       string     `json:"wanted"`
	Unit         string     `json:"unit"`
	UnitName     string     `json:"unitName"`
	Provider     string     `json:"provider"`
	ProviderName string     `json:"providerName"`
	Answer       string     `json:"answer" enum:",have,build,none,refuse"`
	Entry        string     `json:"entry" doc:"id of the entry that meets it"`
	EntryName    string     `json:"entryName"`
	Met          string     `json:"met" enum:",met,unmet"`
	Score        int64      `json:"score" doc:"1 to 5, 0 before it is rated"`
	Running      bool       `json:"running"`
	Step         string     `json:"step"`
	Holder       string     `json:"holder"`
	Due          store.Time `json:"dueAt"`
	Late         bool       `json:"late"`
	At           store.Time `json:"at"`
}

// DemandBody is a demand with all it says.
type DemandBody struct {
	DemandLine
	Purpose   string     `json:"purpose"`
	Basis     string     `json:"basis"`
	Mode      string     `json:"mode"`
	Cycle     string     `json:"cycle"`
	Note      string     `json:"note" doc:"what the unit in charge says"`
	Answered  store.Time `json:"answeredAt"`
	OwnerName string     `json:"ownerName"`
	Case      string     `json:"case"`
	Steps     []string   `json:"steps" nullable:"false" doc:"nodes the caller holds now"`
}

func (c *Catalog) demandLines(ctx context.Context, q store.Queryer, all []demand) ([]DemandLine, error) {
	var units, entries []string
	for _, d := range all {
		units, entries = append(units, d.Unit, d.Provider), append(entries, d.Entry)
	}
	n, err := c.org.UnitNames(ctx, q, units)
	if err != nil {
		return nil, err
	}
	where := store.And(store.In("c.id", entries), store.C("c.state = 'published'"))
	named, err := store.All(ctx, q, func(r *RelatedLine) []any { return []any{&r.ID, &r.Code, &r.Name} }, `SELECT c.id, c.code, c.name FROM catalog c WHERE `+where.SQL, where.Args...)
	called := map[string]string{}
	for _, r := range named {
		called[r.ID] = r.Name
	}
	out := []DemandLine{}
	for _, d := range all {
		l := DemandLine{ID: d.ID, Number: d.Number, Title: d.Title, Wanted: d.Wanted, Unit: d.Unit, UnitName: n[d.Unit], Provider: d.Provider, ProviderName: n[d.Provider], Answer: d.Answer,
			Entry: d.Entry, EntryName: called[d.Entry], Met: d.Met, Score: d.Score, Running: d.CaseState == "open" || d.CaseState == "suspended", Step: d.Step, Holder: d.Holder, Due: d.Due, Late: d.Late, At: d.At}
		if !l.Running {
			l.Step, l.Holder = "", ""
		}
		out = append(out, l)
	}
	return out, err
}

type demandsIn struct {
	List     string `query:"list" enum:",demand,duty,negative" doc:"the three lists: needs (需求清单), who answers for what (责任清单), what may not be shared (负面清单)"`
	Text     string `query:"text" maxLength:"100"`
	Unit     string `query:"unit" maxLength:"40" doc:"who needs it"`
	Provider string `query:"provider" maxLength:"40" doc:"who answers"`
	Mine     bool   `query:"mine" doc:"raised by the caller"`
	store.Page
}
type demandsOut struct{ Body store.Listed[DemandLine] }

func (c *Catalog) listDemands(ctx context.Context, in *demandsIn) (*demandsOut, error) {
	var where []store.Cond
	switch in.List {
	case "duty":
		where = append(where, store.C("d.provider <> ''"))
	case "negative":
		where = append(where, store.C("d.answer IN ('none', 'refuse')"))
	}
	if in.Text != "" {
		like := store.Anywhere(in.Text)
		where = append(where, store.C(`lower(d.title) LIKE lower($1) ESCAPE '!' OR lower(d.wanted) LIKE lower($2) ESCAPE '!' OR lower(d.number) LIKE lower($3) ESCAPE '!'`, like, like, like))
	}
	if in.Unit != "" {
		where = append(where, store.C("d.unit_id = $1", in.Unit))
	}
	if in.Provider != "" {
		where = append(where, store.C("d.provider = $1", in.Provider))
	}
	if in.Mine {
		where = append(where, store.C("d.owner = $1", authz.From(ctx).Person))
	}
	all, err := store.List(ctx, c.db, store.Query[demand]{Select: `SELECT ` + demandColumns + ` FROM catalog_demand d`, Scope: demandScope(ctx), Where: where,
		Keys: []string{"d.at", "d.id"}, Desc: true, Page: in.Page, Scan: scanDemand, Cursor: func(d *demand) []any { return []any{d.At, d.ID} }})
	if err != nil {
		return nil, err
	}
	out := &demandsOut{store.Listed[DemandLine]{Next: all.Next}}
	out.Body.Items, err = c.demandLines(ctx, c.db, all.Items)
	return out, err
}

type demandOut struct{ Body DemandBody }

func (c *Catalog) showDemand(ctx context.Context, in *entryIn) (*demandOut, error) {
	d, err := findDemand(ctx, c.db, store.And(store.C("d.id = $1", in.ID), demandScope(ctx).Cond()))
	if err != nil {
		return nil, err
	}
	lines, err := c.demandLines(ctx, c.db, []demand{d})
	if err != nil {
		return nil, err
	}
	out := &demandOut{DemandBody{DemandLine: lines[0], Purpose: d.Purpose, Basis: d.Basis, Mode: d.Mode, Cycle: d.Cycle, Note: d.Note, Answered: d.Answered, OwnerName: d.OwnerName, Case: d.Case, Steps: []string{}}}
	if d.Case != "" {
		steps, _, err := c.flow.Holds(ctx, c.db, d.Case, authz.From(ctx).Person)
		if err != nil {
			return nil, err
		}
		out.Body.Steps = append(out.Body.Steps, steps...)
	}
	return out, nil
}

type raiseIn struct {
	Body struct {
		Title   string `json:"title" minLength:"4" maxLength:"120"`
		Purpose string `json:"purpose" minLength:"4" maxLength:"500" doc:"for which duty it is needed"`
		Basis   string `json:"basis" minLength:"2" maxLength:"300" doc:"legal basis of that duty"`
		Wanted  string `json:"wanted" minLength:"2" maxLength:"1000" doc:"items, in words"`
		Mode    string `json:"mode" required:"false" enum:",table,api,file,push,mail,medium"`
		Cycle   string `json:"cycle" required:"false" maxLength:"16"`
	}
}

// raise begins a demand.
func (c *Catalog) raise(ctx context.Context, in *raiseIn) (*demandOut, error) {
	me, b := authz.From(ctx), in.Body
	if me.Person == "" || me.Home == "" {
		return nil, errs.New(errs.Denied, "catalog.no_person")
	}
	d := &demand{ID: id.New(), Title: b.Title, Unit: me.Home}
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `INSERT INTO catalog_demand (id, title, purpose, basis, wanted, mode, cycle, unit_id, street, owner, owner_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			d.ID, b.Title, b.Purpose, b.Basis, b.Wanted, b.Mode, b.Cycle, me.Home, me.Street, me.Person, me.Name, store.At(c.now())); err != nil {
			return err
		}
		if err := c.begin(ctx, tx, kindDemand, d.ID, b.Title, me.Home, me.Street, ""); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.demand", Object: "catalog_demand", ID: d.ID, Title: b.Title, Purpose: b.Purpose})
	})
	if err != nil {
		return nil, err
	}
	return c.showDemand(ctx, &entryIn{d.ID})
}

// DemandFigures are the indicators of 供需对接, counted from the rows.
type DemandFigures struct {
	All      int64 `json:"all"`
	Running  int64 `json:"running"`
	Answered int64 `json:"answered"`
	InTime   int64 `json:"inTime" doc:"ended, or under way, without being late"`
	Met      int64 `json:"met"`
	Rated    int64 `json:"rated"`
	Score    int64 `json:"score" doc:"sum of the rates"`
}
type demandFiguresOut struct{ Body DemandFigures }

func (c *Catalog) demandFigures(ctx context.Context, _ *struct{}) (*demandFiguresOut, error) {
	f, err := store.One(ctx, c.db, func(f *DemandFigures) []any {
		return []any{&f.All, &f.Running, &f.Answered, &f.InTime, &f.Met, &f.Rated, &f.Score}
	}, `SELECT count(*), count(*) FILTER (WHERE d.case_state IN ('open', 'suspended')), count(*) FILTER (WHERE d.answer <> ''), count(*) FILTER (WHERE NOT d.late), count(*) FILTER (WHERE d.met = 'met'),
		count(*) FILTER (WHERE d.score > 0), CAST(coalesce(sum(d.score), 0) AS BIGINT) FROM catalog_demand d`)
	return &demandFiguresOut{f}, err
}
