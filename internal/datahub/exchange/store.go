package exchange

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const appColumns = `a.id, a.title, a.entry, a.entry_code, a.dataset, a.provider, a.provider_street, a.share, a.state, a.wish, a.phone, a.terms, a.verdict, a.decider, a.reason, a.grant_id, a.renews,
	a.unit_id, a.street, a.owner, a.owner_name, a.at, a.filed_at, a.changed_at, a.version, a.case_id, a.number, a.step, a.case_state, a.holder, a.due_at, a.closed_at, a.late`

func scanApp(a *application) []any {
	return []any{&a.ID, &a.Title, &a.Entry, &a.Code, &a.Dataset, &a.Provider, &a.ProviderStreet, &a.Share, &a.State, &a.Wish, &a.Phone, &a.Terms, &a.Verdict, &a.Decider, &a.Reason, &a.Grant, &a.Renews,
		&a.Unit, &a.Street, &a.Owner, &a.OwnerName, &a.At, &a.Filed, &a.Changed, &a.Version, &a.Case, &a.Number, &a.Step, &a.CaseState, &a.Holder, &a.Due, &a.Closed, &a.Late}
}

func findApp(ctx context.Context, q store.Queryer, where store.Cond) (application, error) {
	a, err := store.One(ctx, q, scanApp, `SELECT `+appColumns+` FROM exchange_application a WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "exchange.missing")
	}
	a.Wish.V.tidy()
	a.Terms.V.tidy()
	return a, err
}

func insertApp(ctx context.Context, tx *store.Tx, a *application) error {
	return store.Exec(ctx, tx, `INSERT INTO exchange_application (id, title, entry, entry_code, dataset, provider, provider_street, share, state, wish, phone, terms, renews,
		unit_id, street, owner, owner_name, at, changed_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		a.ID, a.Title, a.Entry, a.Code, a.Dataset, a.Provider, a.ProviderStreet, a.Share, string(a.State), a.Wish, a.Phone, a.Terms, a.Renews,
		a.Unit, a.Street, a.Owner, a.OwnerName, a.At, a.Changed, a.Version)
}

// saveApp writes all that may change of an application over the version before a's; Conflict when that is not the present one.
func saveApp(ctx context.Context, tx *store.Tx, a *application) error {
	a.Version++
	return store.ExecOne(ctx, tx, `UPDATE exchange_application SET title = $1, dataset = $2, provider = $3, provider_street = $4, share = $5, state = $6, wish = $7, phone = $8, terms = $9, verdict = $10,
		decider = $11, reason = $12, grant_id = $13, filed_at = $14, changed_at = $15, case_id = $16, number = $17, step = $18, case_state = $19, holder = $20, due_at = $21, closed_at = $22, late = $23,
		version = $24 WHERE id = $25 AND version = $26`,
		a.Title, a.Dataset, a.Provider, a.ProviderStreet, a.Share, string(a.State), a.Wish, a.Phone, a.Terms, a.Verdict,
		a.Decider, a.Reason, a.Grant, a.Filed, a.Changed, a.Case, a.Number, a.Step, a.CaseState, a.Holder, a.Due, a.Closed, a.Late, a.Version, a.ID, a.Version-1)
}

// locked returns an application nobody else decides on until the transaction ends.
func locked(ctx context.Context, tx *store.Tx, id string) (application, error) {
	if err := store.Lock(ctx, tx, "exchange_application", id); err != nil {
		return application{}, err
	}
	return findApp(ctx, tx, store.C("a.id = $1", id))
}

// grant is one row of exchange_grant.
type grant struct {
	ID, Application, Number, Title, Dataset, Name, Held string // Held is the id of the kernel's grant
	Past                                                store.JSON[[]string]
	Provider, ProviderStreet, Unit, Street, Owner       string
	Terms                                               store.JSON[Terms]
	Purpose, Basis, State, Reason, ByName               string
	From, Until, StoppedAt                              store.Time
	Reminded                                            int64
	At                                                  store.Time
	Version                                             int64
}

const grantColumns = `a.id, a.application, a.number, a.title, a.dataset, a.name, a.grant_id, a.past, a.provider, a.provider_street, a.unit_id, a.street, a.owner, a.terms, a.purpose, a.basis, a.state, a.reason, a.by_name,
	a.from_at, a.until_at, a.stopped_at, a.reminded, a.at, a.version`

func scanGrant(g *grant) []any {
	return []any{&g.ID, &g.Application, &g.Number, &g.Title, &g.Dataset, &g.Name, &g.Held, &g.Past, &g.Provider, &g.ProviderStreet, &g.Unit, &g.Street, &g.Owner, &g.Terms, &g.Purpose, &g.Basis, &g.State, &g.Reason, &g.ByName,
		&g.From, &g.Until, &g.StoppedAt, &g.Reminded, &g.At, &g.Version}
}

func findGrant(ctx context.Context, q store.Queryer, where store.Cond) (grant, error) {
	g, err := store.One(ctx, q, scanGrant, `SELECT `+grantColumns+` FROM exchange_grant a WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "exchange.no_grant")
	}
	g.Terms.V.tidy()
	return g, err
}

func insertGrant(ctx context.Context, tx *store.Tx, g *grant) error {
	return store.Exec(ctx, tx, `INSERT INTO exchange_grant (id, application, number, title, dataset, name, grant_id, past, provider, provider_street, unit_id, street, owner, terms, purpose, basis, state,
		from_at, until_at, at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		g.ID, g.Application, g.Number, g.Title, g.Dataset, g.Name, g.Held, g.Past, g.Provider, g.ProviderStreet, g.Unit, g.Street, g.Owner, g.Terms, g.Purpose, g.Basis, g.State,
		g.From, g.Until, g.At, g.Version)
}

// saveGrant writes what may change of a grant over the version before g's; Conflict when that is not the present one.
func saveGrant(ctx context.Context, tx *store.Tx, g *grant) error {
	g.Version++
	return store.ExecOne(ctx, tx, `UPDATE exchange_grant SET grant_id = $1, past = $2, state = $3, reason = $4, by_name = $5, stopped_at = $6, reminded = $7, version = $8 WHERE id = $9 AND version = $10`,
		g.Held, g.Past, g.State, g.Reason, g.ByName, g.StoppedAt, g.Reminded, g.Version, g.ID, g.Version-1)
}
