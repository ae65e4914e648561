package identity

import (
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// AccountRow is one account in the list.
type AccountRow struct {
	ID          string     `json:"id"`
	Login       string     `json:"login"`
	Name        string     `json:"name"`
	Person      string     `json:"person" doc:"of the org, empty for an administrator"`
	Unit        string     `json:"unit" doc:"id of the unit of the main post"`
	UnitName    string     `json:"unitName"`
	Admin       string     `json:"admin" doc:"system, security, audit or empty"`
	Service     bool       `json:"service" doc:"a program: tokens only"`
	State       string     `json:"state" enum:"new,active,locked,disabled,waiting"`
	DisabledFor string     `json:"disabledFor"`
	ManualLock  bool       `json:"manualLock" doc:"only the security administrator unlocks it"`
	LockedUntil store.Time `json:"lockedUntil"`
	HasTotp     bool       `json:"hasTotp"`
	DaysLeft    int        `json:"daysLeft" doc:"until the password expires, -1 for never"`
	LastAt      store.Time `json:"lastAt" doc:"last sign-in"`
	CreatedAt   store.Time `json:"createdAt"`
	CodeUntil   store.Time `json:"codeUntil" doc:"an activation code is out until then"`
	AskedBy     string     `json:"askedBy" doc:"who asked for a new code that another must confirm, empty for nobody"`
	AskedWhy    string     `json:"askedWhy"`
	AskedUntil  store.Time `json:"askedUntil"`
	NeedsSecond bool       `json:"needsSecond" doc:"a new code takes two persons: one asks, another confirms"`
	AskedByMe   bool       `json:"askedByMe"`
}

func (i *Identity) row(a *account, r rules, me *room.Actor) AccountRow {
	now := i.Now()
	row := AccountRow{ID: a.ID, Login: a.Login, Name: a.Name, Person: a.Person, Unit: a.Unit, Admin: string(a.Admin), Service: a.Service, State: a.state(now),
		DisabledFor: a.DisabledFor, ManualLock: a.ManualLock, LockedUntil: a.LockedUntil, HasTotp: a.TOTP != "", DaysLeft: a.daysLeft(r, now),
		LastAt: a.LastAt, CreatedAt: a.CreatedAt, CodeUntil: a.CodeUntil, NeedsSecond: a.needsSecond()}
	if a.isAsked(now) {
		row.AskedBy, row.AskedWhy, row.AskedUntil, row.AskedByMe = a.AskedName, a.AskedWhy, store.At(a.AskedAt.Add(askedFor)), a.AskedBy == me.Person
	}
	return row
}

type accountsIn struct {
	store.Page
	Query string `query:"q" maxLength:"60" doc:"part of login, name or pinyin"`
	State string `query:"state" enum:"new,active,locked,disabled,waiting,asked" doc:"asked: a new code waits for its second person"`
	Kind  string `query:"kind" enum:"person,admin,service"`
	Unit  string `query:"unit" maxLength:"40"`
}

type accountsOut struct{ Body store.Listed[AccountRow] }

// visible is which accounts the caller may see: all for the system and the security administrator, those of
// his units for a unit's administrator.
func visible(ctx context.Context) (store.Scope, error) {
	me := authz.From(ctx)
	switch {
	case me.Can(permManage), me.Can(permSecurity):
		return store.Unscoped("the administrators keep every account"), nil
	case me.Can(permUnit):
		return authz.WhereCols(ctx, permUnit, authz.Cols{Unit: "unit_id", Owner: "person", Sections: true}), nil
	}
	return store.Scope{}, errs.New(errs.Denied, "identity.not_administrator")
}

// stateConds are the states as predicates, in the order of account.state.
func (i *Identity) stateCond(state string) store.Cond {
	now := store.At(i.Now())
	switch state {
	case "asked":
		return store.C(`asked_at > $1`, store.At(i.Now().Add(-askedFor)))
	case "waiting":
		return store.C(`waiting = TRUE`)
	case "disabled":
		return store.C(`waiting = FALSE AND disabled = TRUE`)
	case "locked":
		return store.C(`waiting = FALSE AND disabled = FALSE AND (manual_lock = TRUE OR locked_until > $1)`, now)
	case "new":
		return store.C(`waiting = FALSE AND disabled = FALSE AND manual_lock = FALSE AND locked_until <= $1 AND hash = '' AND service = FALSE`, now)
	case "active":
		return store.C(`waiting = FALSE AND disabled = FALSE AND manual_lock = FALSE AND locked_until <= $1 AND (hash <> '' OR service = TRUE)`, now)
	}
	return store.Cond{}
}

func (i *Identity) getAccounts(ctx context.Context, in *accountsIn) (*accountsOut, error) {
	scope, err := visible(ctx)
	if err != nil {
		return nil, err
	}
	where := []store.Cond{i.stateCond(in.State)}
	if in.Query != "" {
		where = append(where, store.C(`lower(find) LIKE $1 ESCAPE '!'`, likeText(in.Query)))
	}
	if in.Unit != "" {
		where = append(where, store.C(`unit_id = $1`, in.Unit))
	}
	switch in.Kind {
	case "admin":
		where = append(where, store.C(`admin <> ''`))
	case "service":
		where = append(where, store.C(`service = TRUE`))
	case "person":
		where = append(where, store.C(`admin = '' AND service = FALSE`))
	}
	rows, err := store.List(ctx, i.DB, store.Query[account]{Select: `SELECT ` + accountColumns + ` FROM identity_account`, Scope: scope, Where: where,
		Keys: []string{"login_key"}, Page: in.Page, Scan: scanAccount, Cursor: func(a *account) []any { return []any{loginKey(a.Login)} }})
	if err != nil {
		return nil, err
	}
	shown, err := i.rows(ctx, rows.Items)
	if err != nil {
		return nil, err
	}
	return &accountsOut{store.Listed[AccountRow]{Items: shown, Next: rows.Next}}, nil
}

// rows shows accounts with the names of their units.
func (i *Identity) rows(ctx context.Context, all []account) ([]AccountRow, error) {
	r, out := i.rules(ctx), []AccountRow{}
	var units []string
	for n := range all {
		out = append(out, i.row(&all[n], r, authz.From(ctx)))
		if u := all[n].Unit; u != "" && !slices.Contains(units, u) {
			units = append(units, u)
		}
	}
	if len(units) == 0 {
		return out, nil
	}
	names, err := i.People.UnitNames(ctx, i.DB, units)
	for n := range out {
		out[n].UnitName = names[out[n].Unit]
	}
	return out, err
}

type accountOut struct{ Body AccountRow }

func (i *Identity) getAccount(ctx context.Context, in *idIn) (*accountOut, error) {
	scope, err := visible(ctx)
	if err != nil {
		return nil, err
	}
	c := store.And(scope.Cond(), store.C(`id = $1`, in.ID))
	a, err := store.One(ctx, i.DB, scanAccount, `SELECT `+accountColumns+` FROM identity_account WHERE `+c.SQL, c.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "identity.no_account")
	}
	if err != nil {
		return nil, err
	}
	shown, err := i.rows(ctx, []account{a})
	if err != nil {
		return nil, err
	}
	return &accountOut{shown[0]}, nil
}

type newAccountIn struct {
	Body struct {
		Login   string     `json:"login" minLength:"2" maxLength:"64"`
		Person  string     `json:"person,omitempty" maxLength:"40" doc:"of the org: whose account it is, or the post holder that stands for a program"`
		Service bool       `json:"service,omitempty" doc:"for a program"`
		Admin   room.Admin `json:"admin,omitempty" enum:"system,security,audit" doc:"instead of person: another administrator, to be approved by the security administrator"`
		Name    string     `json:"name,omitempty" maxLength:"40" doc:"of an administrator"`
	}
}

// Created is the id of what was made.
type Created struct {
	ID string `json:"id"`
}

type createdOut struct{ Body Created }

func (i *Identity) postAccount(ctx context.Context, in *newAccountIn) (*createdOut, error) {
	b := in.Body
	var made string
	var err error
	switch {
	case b.Admin != "" && b.Person == "" && b.Name != "" && !b.Service:
		made, err = i.proposeAdmin(ctx, b.Admin, b.Login, b.Name)
	case b.Admin == "" && b.Person != "":
		made, err = i.createAccount(ctx, b.Person, b.Login, b.Service)
	default:
		err = errs.New(errs.Invalid, "identity.person_or_admin")
	}
	if err != nil {
		return nil, err
	}
	return &createdOut{Created{made}}, nil
}

// ActivationCode is shown once, to be handed to the account's holder in person.
type ActivationCode struct {
	Code    string     `json:"code" doc:"empty while it waits for a second person"`
	Until   store.Time `json:"until"`
	Waiting bool       `json:"waiting" doc:"the code is asked for; another administrator must confirm it within 24 hours"`
}

type codeOut struct{ Body ActivationCode }

type issueIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"needed where the code takes two persons"`
	}
}

func (i *Identity) postActivation(ctx context.Context, in *issueIn) (*codeOut, error) {
	why := ""
	if in.Body != nil {
		why = in.Body.Reason
	}
	code, until, err := i.issue(ctx, in.ID, why)
	if err != nil {
		return nil, err
	}
	return &codeOut{ActivationCode{Code: code, Until: until, Waiting: code == ""}}, nil
}

func (i *Identity) postSecond(ctx context.Context, in *idIn) (*codeOut, error) {
	code, until, err := i.confirm(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &codeOut{ActivationCode{Code: code, Until: until}}, nil
}

func (i *Identity) postRefuse(ctx context.Context, in *whyIn) (*struct{}, error) {
	return nil, i.refuse(ctx, in.ID, in.Body.Reason)
}

func (i *Identity) postApprove(ctx context.Context, in *idIn) (*codeOut, error) {
	code, until, err := i.approve(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &codeOut{ActivationCode{Code: code, Until: until}}, nil
}

type whyIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Reason string `json:"reason" minLength:"2" maxLength:"200"`
	}
}

func (i *Identity) postDisable(ctx context.Context, in *whyIn) (*struct{}, error) {
	return nil, i.disable(ctx, in.ID, in.Body.Reason)
}

func (i *Identity) postEnable(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, i.enable(ctx, in.ID)
}

func (i *Identity) postUnlock(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, i.unlock(ctx, in.ID)
}

func (i *Identity) postResetFactor(ctx context.Context, in *whyIn) (*struct{}, error) {
	return nil, i.resetFactor(ctx, in.ID, in.Body.Reason)
}

// OnlineRow is one session in the security administrator's list.
type OnlineRow struct {
	SessionShown
	Account string `json:"account" doc:"login"`
	Name    string `json:"name"`
	Admin   string `json:"admin"`
}

type onlineIn struct {
	store.Page
	Query string `query:"q" maxLength:"60" doc:"part of login, name or pinyin, or an address"`
}

type onlineOut struct{ Body store.Listed[OnlineRow] }

// getOnline lists full sessions, last used first. One that has run out and was not met since may stand in it for
// some minutes, until the sweep.
func (i *Identity) getOnline(ctx context.Context, in *onlineIn) (*onlineOut, error) {
	where := []store.Cond{store.C(`s.ended = 0 AND s.state = $1`, stateFull)}
	if in.Query != "" {
		where = append(where, store.C(`(lower(a.find) LIKE $1 ESCAPE '!' OR s.ip = $2)`, likeText(in.Query), in.Query))
	}
	rows, err := store.List(ctx, i.DB, store.Query[caller]{Select: `SELECT ` + sessionColumns + `, a.login, a.name, a.person, a.admin, a.disabled OR a.waiting
		FROM identity_session s JOIN identity_account a ON a.id = s.account`, Scope: store.Unscoped("the security administrator watches every session"), Where: where,
		Keys: []string{"s.seen", "s.id"}, Desc: true, Page: in.Page, Scan: scanCaller, Cursor: func(c *caller) []any { return []any{c.Seen, c.ID} }})
	if err != nil {
		return nil, err
	}
	out, mineID := &onlineOut{store.Listed[OnlineRow]{Items: []OnlineRow{}, Next: rows.Next}}, authz.From(ctx).Session
	for _, c := range rows.Items {
		seen := store.At(i.marks.last(c.ID, c.Seen.Time))
		out.Body.Items = append(out.Body.Items, OnlineRow{SessionShown{c.ID, c.Kind, c.Device, c.IP, c.Created, seen, c.ID == mineID}, c.Login, c.Name, c.Admin})
	}
	return out, nil
}

func (i *Identity) deleteOnline(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, i.endAny(ctx, in.ID)
}

type selfCheckOut struct {
	Body struct {
		At    store.Time `json:"at"`
		Items []Check    `json:"items" nullable:"false"`
	}
}

func (i *Identity) getSelfCheck(ctx context.Context, _ *struct{}) (*selfCheckOut, error) {
	items, err := i.SelfCheck(ctx)
	if err != nil {
		return nil, err
	}
	out := &selfCheckOut{}
	out.Body.At, out.Body.Items = store.At(i.Now()), items
	return out, i.Log.Note(ctx, audit.Entry{Action: "identity.selfcheck", Object: "identity"})
}
