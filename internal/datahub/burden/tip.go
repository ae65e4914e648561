package burden

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
)

// Tip is a report somebody was sent without approval.
type Tip struct {
	ID        string     `json:"id"`
	Title     string     `json:"title" doc:"what the form is called"`
	Sender    string     `json:"sender" doc:"who sent it, in words"`
	Words     string     `json:"words"`
	State     string     `json:"state" enum:"open,confirmed,unfounded"`
	Answer    string     `json:"answer"`
	UnitName  string     `json:"unitName"`
	OwnerName string     `json:"ownerName"`
	At        store.Time `json:"at"`
	Answered  store.Time `json:"answeredAt"`
	Files     []TipFile  `json:"files" nullable:"false"`
	MayAnswer bool       `json:"mayAnswer"`

	owner string
}

// TipFile is a photo or a file of the form.
type TipFile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

const tipColumns = `t.id, t.title, t.sender, t.words, t.state, t.answer, t.unit_name, t.owner_name, t.at, t.answered_at, t.owner`

func scanTip(t *Tip) []any {
	return []any{&t.ID, &t.Title, &t.Sender, &t.Words, &t.State, &t.Answer, &t.UnitName, &t.OwnerName, &t.At, &t.Answered, &t.owner}
}

// tipScope is which tips the actor sees: his own, and all for who checks. His unit does not see who of it spoke up.
func tipScope(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(store.C("t.owner = $1 AND t.owner <> ''", authz.From(ctx).Person), authz.WhereCols(ctx, "burden.check", authz.Cols{Unit: "t.unit_id", Street: "t.street"}).Cond()))
}

func findTip(ctx context.Context, q store.Queryer, where store.Cond) (Tip, error) {
	t, err := store.One(ctx, q, scanTip, `SELECT `+tipColumns+` FROM burden_tip t WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "burden.no_tip")
	}
	return t, err
}

type tipIn struct {
	Body struct {
		Title  string   `json:"title" minLength:"2" maxLength:"100"`
		Sender string   `json:"sender" minLength:"2" maxLength:"60"`
		Words  string   `json:"words" required:"false" maxLength:"1000"`
		Files  []string `json:"files" required:"false" nullable:"false" maxItems:"9" doc:"ids of uploaded files"`
	}
}
type tipOut struct{ Body Tip }

// tip says that a report was sent without approval.
func (b *Burden) tip(ctx context.Context, in *tipIn) (*tipOut, error) {
	me := authz.From(ctx)
	t := Tip{ID: id.New(), Title: strings.TrimSpace(in.Body.Title), Sender: strings.TrimSpace(in.Body.Sender), Words: strings.TrimSpace(in.Body.Words), State: "open", OwnerName: me.Name, At: store.At(b.now()), Files: []TipFile{}}
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		names, err := b.org.UnitNames(ctx, tx, []string{me.Home})
		if err != nil {
			return err
		}
		t.UnitName = names[me.Home]
		if err := store.Exec(ctx, tx, `INSERT INTO burden_tip (id, title, sender, words, state, unit_id, unit_name, street, owner, owner_name, at) VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10)`,
			t.ID, t.Title, t.Sender, t.Words, me.Home, t.UnitName, me.Street, me.Person, me.Name, t.At); err != nil {
			return err
		}
		for _, one := range in.Body.Files {
			f, err := b.files.Claim(ctx, tx, one, "burden", t.ID)
			if err != nil {
				return err
			}
			t.Files = append(t.Files, TipFile{f.ID, f.Name, f.Size})
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.tip", Object: "burden_tip", ID: t.ID, Title: t.Title})
	})
	return &tipOut{t}, err
}

type tipsIn struct {
	State string `query:"state" enum:",open,confirmed,unfounded"`
	store.Page
}
type tipsOut struct{ Body store.Listed[Tip] }

func (b *Burden) listTips(ctx context.Context, in *tipsIn) (*tipsOut, error) {
	var where []store.Cond
	if in.State != "" {
		where = append(where, store.C("t.state = $1", in.State))
	}
	all, err := store.List(ctx, b.db, store.Query[Tip]{Select: `SELECT ` + tipColumns + ` FROM burden_tip t`, Scope: tipScope(ctx), Where: where,
		Keys: []string{"t.at", "t.id"}, Desc: true, Page: in.Page, Scan: scanTip, Cursor: func(t *Tip) []any { return []any{t.At, t.ID} }})
	if err != nil {
		return nil, err
	}
	may := authz.From(ctx).Can("burden.check")
	for i := range all.Items {
		t := &all.Items[i]
		t.MayAnswer, t.Files = may && t.State == "open", []TipFile{}
		files, err := b.files.Of(ctx, b.db, "burden", t.ID)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			t.Files = append(t.Files, TipFile{f.ID, f.Name, f.Size})
		}
	}
	return &tipsOut{all}, nil
}

type answerTipIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		State  string `json:"state" enum:"confirmed,unfounded"`
		Answer string `json:"answer" minLength:"2" maxLength:"500"`
	}
}

// answerTip says what was found, to who spoke up.
func (b *Burden) answerTip(ctx context.Context, in *answerTipIn) (*struct{}, error) {
	return nil, b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := findTip(ctx, tx, store.And(store.C("t.id = $1", in.ID), tipScope(ctx).Cond()))
		if err != nil {
			return err
		}
		if t.State != "open" {
			return errs.New(errs.Conflict, "burden.tip_answered")
		}
		if err := store.ExecOne(ctx, tx, `UPDATE burden_tip SET state = $1, answer = $2, answered_by = $3, answered_at = $4 WHERE id = $5 AND state = 'open'`,
			in.Body.State, strings.TrimSpace(in.Body.Answer), authz.From(ctx).Name, store.At(b.now()), t.ID); err != nil {
			return err
		}
		if err := b.tell(ctx, tx, []string{t.owner}, notify.Info, "burden.told_tip", []any{t.Title, in.Body.Answer}, "/burden/tips", t.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.answer", Object: "burden_tip", ID: t.ID, Title: t.Title, Detail: map[string]any{"state": in.Body.State}})
	})
}
