package identity

import (
	"context"
	"strings"

	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/room"
)

// Result is how a check of the self-check came out, in the assessors' three words.
type Result string

// The results.
const (
	Conforms Result = "ok"   // 符合
	Partly   Result = "part" // 部分符合
	Fails    Result = "no"   // 不符合
)

// Check is one row of the self-check (GB/T 28448-2019's way of putting it).
type Check struct {
	Name   string   `json:"name"`
	Clause string   `json:"clause" doc:"of GB/T 22239-2019"`
	Title  string   `json:"title"`
	Result Result   `json:"result" enum:"ok,part,no"`
	Count  int      `json:"count" doc:"how many are at fault"`
	Items  []string `json:"items" nullable:"false" doc:"the first of them"`
	Advice string   `json:"advice" doc:"what to do; empty when it conforms"`
}

// defaultNames are logins every attacker tries first (8.1.4.2 b: rename or delete default accounts).
var defaultNames = [...]string{"admin", "administrator", "root", "test", "guest", "demo", "user", "system", "sa", "oracle", "postgres", "manager"}

// shownItems is how many names a row lists.
const shownItems = 20

// probe is one question to the accounts: those that cond finds are at fault.
type probe struct {
	name, clause string
	bad          Result // when there is any
	cond         store.Cond
}

// live are accounts that can be used.
const live = `disabled = FALSE AND waiting = FALSE`

func (i *Identity) probes(r rules) []probe {
	now := i.Now()
	days := func(n int) store.Time { return store.At(now.AddDate(0, 0, -n)) }
	maxAge := r.maxAge
	if maxAge == 0 {
		maxAge = 90
	}
	dormant := r.dormant
	if dormant == 0 {
		dormant = 90
	}
	return []probe{
		{"admin_factor", "8.1.4.1 d)", Fails, store.C(live + ` AND admin <> '' AND totp = ''`)},
		{"factor", "8.1.4.1 d)", Partly, store.C(live + ` AND admin = '' AND service = FALSE AND hash <> '' AND totp = ''`)},
		{"expired", "8.1.4.1 a)", Partly, store.C(live+` AND hash <> '' AND changed_at < $1`, days(maxAge))},
		{"first_change", "8.1.4.1 a)", Partly, store.C(live + ` AND hash <> '' AND must_change = TRUE`)},
		{"default_names", "8.1.4.2 b)", Fails, store.And(store.C(live), store.In("login_key", defaultNames[:]))},
		{"dormant", "8.1.4.2 c)", Partly, store.C(live+` AND service = FALSE AND hash <> '' AND active_at < $1`, days(dormant))},
		{"homeless", "8.1.4.2 c)", Partly, store.C(live + ` AND admin = '' AND unit_id = ''`)},
		{"never_activated", "8.1.4.2 c)", Partly, store.C(live+` AND service = FALSE AND hash = '' AND created_at < $1`, days(30))},
		{"locked", "8.1.4.1 b)", Partly, store.C(live+` AND (manual_lock = TRUE OR locked_until > $1)`, store.At(now))},
	}
}

// AlsoCheck adds rows of another package to the self-check: retention of the audit, age of the last backup. It comes before
// requests are served.
func (i *Identity) AlsoCheck(fn func(ctx context.Context) ([]Check, error)) {
	i.checks = append(i.checks, fn)
}

// SelfCheck looks at accounts, rules and sessions as an assessor would, now. Each row names its clause.
func (i *Identity) SelfCheck(ctx context.Context) ([]Check, error) {
	r := i.rules(ctx)
	var out []Check
	add := func(name, clause string, bad Result, count int, items []string) {
		if len(items) > shownItems {
			items = items[:shownItems]
		}
		lang := web.From(ctx).Lang
		c := Check{Name: name, Clause: clause, Title: i.words.Text(lang, "identity.check."+name), Result: Conforms, Count: count, Items: append([]string{}, items...)}
		if count > 0 {
			c.Result, c.Advice = bad, i.words.Text(lang, "identity.check."+name+".advice")
		}
		out = append(out, c)
	}
	for _, p := range i.probes(r) {
		n, err := store.Value[int](ctx, i.DB, `SELECT count(*) FROM identity_account WHERE `+p.cond.SQL, p.cond.Args...)
		if err != nil {
			return nil, err
		}
		items, err := store.Column[string](ctx, i.DB, `SELECT login FROM identity_account WHERE `+p.cond.SQL+` ORDER BY login_key LIMIT 20`, p.cond.Args...)
		if err != nil {
			return nil, err
		}
		add(p.name, p.clause, p.bad, n, items)
	}
	missing, err := i.missingAdmins(ctx)
	if err != nil {
		return nil, err
	}
	add("three_roles", "8.1.5", Fails, len(missing), missing)
	both, err := i.doubleHats(ctx)
	if err != nil {
		return nil, err
	}
	add("separate_people", "8.1.4.2 d)", Fails, len(both), both)
	weak := r.weaker()
	for n, name := range weak {
		weak[n] = i.words.Text(web.From(ctx).Lang, "setting."+name)
	}
	add("rules", "8.1.4.1 a)b)", Partly, len(weak), weak)
	plain := 0
	if !i.opts.Secure {
		plain = 1
	}
	add("transport", "8.1.4.1 c)", Fails, plain, nil)
	for _, more := range i.checks {
		rows, err := more(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// missingAdmins are the kinds of administrators nobody stands for.
func (i *Identity) missingAdmins(ctx context.Context) ([]string, error) {
	var out []string
	for _, kind := range []room.Admin{room.System, room.Security, room.Auditor} {
		n, err := countAdmins(ctx, i.DB, kind)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			out = append(out, i.words.Text(web.From(ctx).Lang, "identity.admin."+string(kind)))
		}
	}
	return out, nil
}

// doubleHats are names that stand for two kinds of administrators, or for one and a person of the org. Two people may
// share a name, so a human looks at it.
func (i *Identity) doubleHats(ctx context.Context) ([]string, error) {
	type pair struct{ name, admin string }
	all, err := store.All(ctx, i.DB, func(p *pair) []any { return []any{&p.name, &p.admin} }, `SELECT a.name, a.admin FROM identity_account a
		WHERE a.disabled = FALSE AND a.name IN (SELECT b.name FROM identity_account b WHERE b.admin <> '' AND b.disabled = FALSE) ORDER BY a.name, a.admin`)
	if err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	var out []string
	for _, p := range all {
		before, seen := kinds[p.name]
		kinds[p.name] = p.admin
		if seen && before != p.admin && (len(out) == 0 || !strings.EqualFold(out[len(out)-1], p.name)) {
			out = append(out, p.name)
		}
	}
	return out, nil
}
