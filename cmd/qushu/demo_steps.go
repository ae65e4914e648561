package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"qushu/simulate/district"
)

// administrators makes the three through the set-up page and binds their second factors.
func (b *builder) administrators(ctx context.Context) error {
	var err error
	if b.d, err = district.Build(b.seed, district.People); err != nil {
		return err
	}
	cast, err := b.d.Cast()
	if err != nil {
		return err
	}
	var admins []map[string]string
	for _, c := range cast {
		m := &member{Account: c, password: newPassword()}
		b.accounts = append(b.accounts, m)
		if c.Admin != "" {
			admins = append(admins, map[string]string{"kind": c.Admin, "account": c.Login, "name": c.Name, "password": m.password})
		}
	}
	token, _, err := b.a.kit.Identity.SetupToken(ctx)
	if err != nil {
		return err
	}
	d, err := newDoor(b.base, b.clock.now)
	if err != nil {
		return err
	}
	if err := d.call(ctx, "POST", "/api/identity/setup", map[string]any{"token": token, "admins": admins}, nil); err != nil {
		return err
	}
	for _, m := range b.accounts {
		if m.Admin != "" {
			if _, err := b.enter(ctx, m); err != nil {
				return fmt.Errorf("%s: %w", m.Login, err)
			}
		}
	}
	return nil
}

// people imports the two workbooks the system administrator would be handed.
func (b *builder) people(ctx context.Context) error {
	sys := b.named("hs.system").door
	for _, f := range []struct {
		path  string
		write func(*bytes.Buffer) error
	}{
		{"/api/org/import/units?name=units.xlsx", func(w *bytes.Buffer) error { return b.d.WriteUnits(w) }},
		{"/api/org/import/people?name=people.xlsx", func(w *bytes.Buffer) error { return b.d.WritePeople(w) }},
	} {
		var buf bytes.Buffer
		if err := f.write(&buf); err != nil {
			return err
		}
		if err := sys.call(ctx, "POST", f.path, buf.Bytes(), nil); err != nil {
			return err
		}
	}
	if err := b.find(ctx); err != nil {
		return err
	}
	for _, r := range b.d.Relations {
		in := map[string]string{"kind": r.Kind, "to": b.units[r.To]}
		if err := sys.call(ctx, "POST", "/api/org/units/"+b.units[r.From]+"/relations", in, nil); err != nil {
			return err
		}
	}
	return nil
}

// find learns which ids the units and posts of the district were given.
func (b *builder) find(ctx context.Context) error {
	o, db := b.a.kit.Org, b.a.kit.DB
	b.units, b.posts = map[string]string{}, map[string]string{}
	byPath := map[string]string{}
	top, err := o.UnitByCode(ctx, db, district.Code)
	if err != nil {
		return fmt.Errorf("the district's own unit is not found: %w", err)
	}
	ids, err := o.Below(ctx, db, top.ID)
	if err != nil {
		return err
	}
	all, err := o.Units(ctx, db, ids)
	if err != nil {
		return err
	}
	var path func(id string) string
	path = func(id string) string { // as district.Path writes it
		u := all[id]
		if u.Parent == "" {
			return u.Name
		}
		return path(u.Parent) + "/" + u.Name
	}
	for id := range all {
		byPath[path(id)] = id
	}
	for _, u := range b.d.Units {
		id := byPath[strings.Join(b.d.Path(u.Key), "/")]
		if id == "" {
			return fmt.Errorf("unit %s (%s) was not imported", u.Name, u.Key)
		}
		b.units[u.Key] = id
	}
	return nil
}

// makeAccounts gives the cast their logins and everybody else one after his staff number; nobody has a password yet.
func (b *builder) makeAccounts(ctx context.Context) error {
	o, db, sys := b.a.kit.Org, b.a.kit.DB, b.named("hs.system").door
	for _, m := range b.accounts {
		if m.Admin != "" {
			continue
		}
		who, err := o.PersonByStaffNo(ctx, db, m.StaffNo)
		if err != nil {
			return fmt.Errorf("%s: %w", m.StaffNo, err)
		}
		posts, err := o.Posts(ctx, db, who.ID)
		if err != nil || len(posts) == 0 {
			return fmt.Errorf("%s has no post: %w", m.StaffNo, err)
		}
		b.posts[m.StaffNo] = posts[0].ID
		if err := sys.call(ctx, "POST", "/api/identity/accounts", map[string]string{"login": m.Login, "person": who.ID}, nil); err != nil {
			return fmt.Errorf("%s: %w", m.Login, err)
		}
	}
	var out struct {
		Made    int
		Skipped []struct{ Name, Reason string }
	}
	if err := sys.call(ctx, "POST", "/api/identity/accounts/bulk", struct{}{}, &out); err != nil {
		return err
	}
	if len(out.Skipped) > 0 {
		return fmt.Errorf("%d of the district have no account, the first %s: %s", len(out.Skipped), out.Skipped[0].Name, out.Skipped[0].Reason)
	}
	return nil
}

// roles puts roles on the posts of the cast: the built-in ones, and those of the declared applications.
func (b *builder) roles(ctx context.Context) error {
	sec := b.named("hs.security").door
	ids, err := b.roleIDs(ctx, sec)
	if err != nil {
		return err
	}
	for _, m := range b.accounts {
		keys := m.More
		if m.Role != "" {
			keys = append([]string{m.Role}, keys...)
		}
		for _, key := range keys {
			if err := sec.call(ctx, "PUT", "/api/authz/posts/"+b.posts[m.StaffNo]+"/roles/"+ids[key], struct{}{}, nil); err != nil {
				return fmt.Errorf("%s, role %s: %w", m.Login, key, err)
			}
		}
	}
	return nil
}

// roleIDs waits until the applications that come with the program have brought their roles in, and returns all by key.
func (b *builder) roleIDs(ctx context.Context, sec *door) (map[string]string, error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for {
		var all struct{ Items []struct{ ID, Key string } }
		if err := sec.call(ctx, "GET", "/api/authz/roles", nil, &all); err != nil {
			return nil, err
		}
		ids := map[string]string{}
		for _, r := range all.Items {
			ids[r.Key] = r.ID
		}
		missing := ""
		for _, m := range b.accounts {
			for _, key := range append([]string{m.Role}, m.More...) {
				if key != "" && ids[key] == "" {
					missing = key
				}
			}
		}
		if missing == "" {
			return ids, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("there is no role %s", missing)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// activate hands everybody of the cast a code and lets him choose a password; who handles data also binds a second factor.
func (b *builder) activate(ctx context.Context) error {
	for _, m := range b.accounts {
		if m.Admin != "" {
			continue
		}
		d, err := b.awake(ctx, m.Login, m.password)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Login, err)
		}
		m.door = d
		if strings.HasPrefix(m.Role, "data_") {
			if m.totp, _, err = d.bind(ctx); err != nil {
				return fmt.Errorf("%s: %w", m.Login, err)
			}
		}
	}
	return nil
}

func (b *builder) groups(ctx context.Context) error {
	sys := b.named("hs.system").door
	for _, g := range b.d.Groups {
		var out struct{ ID string }
		if err := sys.call(ctx, "POST", "/api/org/groups", map[string]string{"name": g.Name, "duty": g.Duty, "office": b.units[g.Office]}, &out); err != nil {
			return err
		}
		join := func(role string, numbers ...string) error {
			for i, no := range numbers {
				who, err := b.a.kit.Org.PersonByStaffNo(ctx, b.a.kit.DB, no)
				if err != nil {
					return err
				}
				if err := sys.call(ctx, "POST", "/api/org/groups/"+out.ID+"/members", map[string]any{"person": who.ID, "role": role, "rank": i + 1}, nil); err != nil {
					return err
				}
			}
			return nil
		}
		for _, s := range []struct {
			role string
			who  []string
		}{{"head", g.Heads}, {"deputy", g.Deputies}, {"office_head", []string{g.OfficeHead}}, {"member", g.Members}} {
			if err := join(s.role, s.who...); err != nil {
				return fmt.Errorf("%s: %w", g.Name, err)
			}
		}
	}
	return nil
}

// population writes the table as the police would send it, GB18030 as Excel saves it, with a few faults,
// uploads it as the centre's data officer, corrects nothing but the key, loads it and shares it.
func (b *builder) population(ctx context.Context) error {
	b.clock.set(time.Now().AddDate(0, 0, -22))
	m := b.named("centre.data")
	d, err := b.enter(ctx, m)
	if err != nil {
		return err
	}
	people, _ := b.parts()
	p, err := district.NewPopulation(district.Options{Rows: people, Seed: b.seed, Flaws: 0.0005})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp("", "qushu-population-*.csv")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := district.WriteCSV(f, p.All(), district.GB18030); err != nil {
		return err
	}
	size, err := f.Seek(0, 1)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	file, err := d.upload(ctx, "洪山区常住人口信息表.csv", f, size)
	if err != nil {
		return err
	}
	set, err := b.load(ctx, d, file)
	if err != nil {
		return err
	}
	return b.share(ctx, d, set)
}

type loadDraft struct {
	ID, State, Error string
	Version          int64
	Rows, Rejected   int64
	MadeDataset      string
	Columns          []map[string]any
}

// load makes the population table of a file.
func (b *builder) load(ctx context.Context, d *door, file string) (dataset string, err error) {
	l, err := b.loadAs(ctx, d, file, plan{name: "population", title: "常住人口信息", key: "公民身份号码", summary: "区公安分局每月提供的常住人口基本信息（演示数据，人员均为虚构）。"})
	if err == nil {
		fmt.Fprintf(b.out, "  %d rows loaded, %d refused with reasons\n", l.Rows, l.Rejected)
	}
	return l.MadeDataset, err
}

// share grants the table to the units whose people look things up in it.
func (b *builder) share(ctx context.Context, d *door, set string) error {
	var cols struct{ Columns []struct{ Name, Kind string } }
	if err := d.call(ctx, "GET", "/api/library/datasets/"+set, nil, &cols); err != nil {
		return err
	}
	var all, reveal []string
	for _, c := range cols.Columns {
		all = append(all, c.Name)
		if c.Kind == "mobile" || c.Kind == "phone" {
			reveal = append(reveal, c.Name)
		}
	}
	for _, g := range []struct{ unit, purpose, basis string }{
		{"MZ", "核对社会救助申请人的基本信息", "《社会救助暂行办法》第五十八条"},
		{"YB", "核对参保人员的基本信息", "《医疗保障基金使用监督管理条例》第十一条"},
		{"420111006", "核对网格内居民的基本信息", "《武汉市网格化服务管理办法》"},
	} {
		in := map[string]any{"unit": b.units[g.unit], "columns": all, "reveal": reveal, "purpose": g.purpose, "basis": g.basis, "until": time.Now().AddDate(0, 11, 0)}
		if err := d.call(ctx, "POST", "/api/library/datasets/"+set+"/grants", in, nil); err != nil {
			return err
		}
	}
	return nil
}

// notice publishes one on the day it was written.
func (b *builder) notice(ctx context.Context, n district.Notice) error {
	year := strconv.Itoa(time.Now().Year())
	b.clock.set(time.Now().AddDate(0, 0, -n.DaysAgo))
	m := b.named("centre.info") // the centre speaks for whoever has no publisher of his own here
	if n.Unit == "ED" {
		m = b.named("jiaoyu.notice")
	}
	d, err := b.enter(ctx, m)
	if err != nil {
		return err
	}
	var to []string
	for _, k := range n.Units {
		to = append(to, b.units[k])
	}
	in := map[string]any{"title": strings.ReplaceAll(n.Title, "2023", year), "body": strings.ReplaceAll(n.Body, "2023", year), "must": n.Must}
	if len(to) > 0 {
		in["units"] = to
	} else {
		in["all"] = true
	}
	if n.PinDays > 0 {
		in["pinnedUntil"] = b.clock.now().AddDate(0, 0, n.PinDays)
	}
	return d.call(ctx, "POST", "/api/desk/notices", in, nil)
}

// expand replaces every "<open>key)" of a text by what of says for the key.
func expand(text, open string, of func(key string) string) string {
	for {
		before, rest, found := strings.Cut(text, open)
		if !found {
			return text
		}
		key, after, _ := strings.Cut(rest, ")")
		text = before + of(key) + after
	}
}
