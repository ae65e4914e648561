package main

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"qushu/internal/base/paper"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/simulate/district"
	"qushu/simulate/history"
)

// event is something that happens in the demonstration's year.
type event struct {
	at  time.Time
	n   int // those of one moment in the order they were planned
	run func(context.Context) error
}

// agenda is what is still to happen, the earliest first.
type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].n, a[j].n)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	*a = (*a)[:last]
	return e
}

// plan puts something on the agenda. What would be tomorrow has not happened yet.
func (b *builder) plan(at time.Time, run func(context.Context) error) {
	if at.After(b.today) {
		return
	}
	b.planned++
	heap.Push(&b.agenda, event{at, b.planned, run})
}

// until lets the year go on to a moment: the clock never goes back, and what is due on the way is told when it is due.
func (b *builder) until(ctx context.Context, end time.Time) error {
	for len(b.agenda) > 0 && !b.agenda[0].at.After(end) {
		e := heap.Pop(&b.agenda).(event)
		if err := b.pass(ctx, e.at); err != nil {
			return err
		}
		if err := e.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.at.In(when.Zone).Format("2006-01-02 15:04"), err)
		}
	}
	return b.pass(ctx, end)
}

// pass moves the clock on, an hour at a time, so that warnings and escalations come when they were due.
func (b *builder) pass(ctx context.Context, to time.Time) error {
	for now := b.clock.now(); now.Before(to); now = b.clock.now() {
		next := now.Add(time.Hour)
		if next.After(to) {
			next = to
		}
		b.clock.set(next)
		if err := b.a.kit.Flow.Tick(ctx); err != nil {
			return err
		}
	}
	return nil
}

// players gives those who work with the applications their roles, and each a token as an app on his phone would hold: nobody
// signs in anew for every step of a year.
func (b *builder) players(ctx context.Context) error {
	b.today = time.Now()
	year, err := history.Tell(b.d, history.Options{Matters: b.cases, From: b.clock.now().AddDate(0, 0, 1), Until: b.today, Seed: b.seed})
	if err != nil {
		return err
	}
	b.matters = year.Matters
	ids, err := b.roleIDs(ctx, b.named("hs.security").door)
	if err != nil {
		return err
	}
	b.work = map[string]*door{}
	for _, m := range b.accounts {
		if m.Admin == "" {
			if err := b.carry(ctx, m.StaffNo, m.door); err != nil {
				return fmt.Errorf("%s: %w", m.Login, err)
			}
		}
	}
	return errors.Join(b.atOnce(len(year.Players), func(i int) error {
		p := year.Players[i]
		who, err := b.a.kit.Org.PersonByStaffNo(ctx, b.a.kit.DB, p.StaffNo)
		if err != nil {
			return fmt.Errorf("%s: %w", p.StaffNo, err)
		}
		posts, err := b.a.kit.Org.Posts(ctx, b.a.kit.DB, who.ID)
		if err != nil || len(posts) == 0 {
			return fmt.Errorf("%s has no post: %w", p.StaffNo, err)
		}
		for _, key := range p.Roles {
			if err := b.named("hs.security").door.call(ctx, "PUT", "/api/authz/posts/"+posts[0].ID+"/roles/"+ids[key], struct{}{}, nil); err != nil {
				return fmt.Errorf("%s, role %s: %w", p.StaffNo, key, err)
			}
		}
		if slices.ContainsFunc(b.accounts, func(m *member) bool { return m.StaffNo == p.StaffNo }) {
			return nil
		}
		d, err := b.awake(ctx, p.StaffNo, newPassword()) // nobody is told
		if err == nil {
			err = b.carry(ctx, p.StaffNo, d)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.StaffNo, err)
		}
		return nil
	}), b.learn(ctx))
}

// atOnce does something for each of n, several at a time: most of it is waiting for passwords to be hashed.
func (b *builder) atOnce(n int, do func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(4)
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}

// awake activates an account, found by its login or its owner's staff number, with a code as its owner would.
func (b *builder) awake(ctx context.Context, who, password string) (*door, error) {
	sys := b.named("hs.system").door
	var found struct{ Items []struct{ ID, Login string } }
	if err := sys.call(ctx, "GET", "/api/identity/accounts?q="+who, nil, &found); err != nil || len(found.Items) == 0 {
		return nil, fmt.Errorf("%s has no account: %w", who, err)
	}
	var code struct{ Code string }
	if err := sys.call(ctx, "POST", "/api/identity/accounts/"+found.Items[0].ID+"/activation", struct{}{}, &code); err != nil {
		return nil, err
	}
	d, err := newDoor(b.base, b.clock.now)
	if err != nil {
		return nil, err
	}
	return d, d.call(ctx, "POST", "/api/identity/activate", map[string]string{"account": found.Items[0].Login, "code": code.Code, "password": password}, nil)
}

// carry makes a token of whoever is signed in at a door, and keeps a door that shows it.
func (b *builder) carry(ctx context.Context, staffNo string, in *door) error {
	who, err := b.a.kit.Org.PersonByStaffNo(ctx, b.a.kit.DB, staffNo)
	if err != nil {
		return err
	}
	var t struct{ Token string }
	if err := in.call(ctx, "POST", "/api/identity/tokens", map[string]any{"name": "移动端", "scopes": []string{"forms.use"}, "days": 365}, &t); err != nil {
		return err
	}
	d, err := newDoor(b.base, b.clock.now)
	if err != nil {
		return err
	}
	d.bearer = t.Token
	b.mu.Lock()
	defer b.mu.Unlock()
	b.work[who.ID], b.person[staffNo] = d, who.ID
	return nil
}

// learn reads which ids the resources of the applications were given.
func (b *builder) learn(ctx context.Context) error {
	b.resources = map[string]string{}
	var all struct {
		Items []struct{ ID, App, Key string }
	}
	if err := b.named("centre.info").door.call(ctx, "GET", "/api/forms/resources", nil, &all); err != nil {
		return err
	}
	for _, r := range all.Items {
		b.resources[r.App+"/"+r.Key] = r.ID
	}
	return nil
}

// agendaOfYear plans the year and the last weeks with the notices.
func (b *builder) agendaOfYear() {
	b.reportsOfYear()
	for _, m := range b.matters {
		b.plan(m.At, func(ctx context.Context) error {
			return b.file(ctx, m.App, b.person[m.Who], m.Data.JSON(), func(ctx context.Context, c string) error { return b.follow(ctx, c, m, map[string]bool{}) })
		})
	}
	for _, n := range district.Notices() {
		b.plan(b.today.AddDate(0, 0, -n.DaysAgo), func(ctx context.Context) error { return b.notice(ctx, n) })
	}
	for _, m := range district.Matters() {
		b.plan(b.today.AddDate(0, 0, -m.DaysAgo), func(ctx context.Context) error {
			return b.file(ctx, m.App, b.person[b.named(m.Who).StaffNo], cmp.Or(m.Data, "{}"), func(_ context.Context, c string) error { b.step(c, m.Steps); return nil })
		})
	}
}

// file files one entry of a declared application; then goes on with its case.
func (b *builder) file(ctx context.Context, app, person, data string, then func(context.Context, string) error) error {
	d := b.work[person]
	data, err := b.known(ctx, d, data)
	if err != nil {
		return fmt.Errorf("%s: %w", app, err)
	}
	var e struct{ ID, Case string }
	if err := d.call(ctx, "POST", "/api/forms/apps/"+app+"/entries", map[string]any{"data": json.RawMessage(data)}, &e); err != nil {
		return fmt.Errorf("%s: %w\n%s", app, err, data)
	}
	return then(ctx, e.Case)
}

// follow plans what those before whom the case lies now do about it.
func (b *builder) follow(ctx context.Context, caseID string, m history.Matter, seen map[string]bool) error {
	open, err := b.a.kit.Flow.Waiting(ctx, b.a.kit.DB, caseID)
	if err != nil {
		return err
	}
	for _, w := range open {
		if seen[w.Task] {
			continue
		}
		seen[w.Task] = true
		who := ""
		for _, p := range w.People {
			if who == "" && b.work[p] != nil {
				who = p
			}
		}
		if who == "" {
			return fmt.Errorf("%s: nobody who plays a part has the step %s", m.App, w.Node)
		}
		d := m.Step(w.Node, w.Begun.Time)
		b.plan(d.At, func(ctx context.Context) error {
			now, err := b.a.kit.Flow.Waiting(ctx, b.a.kit.DB, caseID)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(now, func(o flow.Waiting) bool { return o.Task == w.Task }) {
				return nil // enough of the others have agreed
			}
			if err := b.deed(ctx, w.Task, caseID, who, d); err != nil {
				return fmt.Errorf("%s, %s: %w", m.App, w.Node, err)
			}
			return b.follow(ctx, caseID, m, seen)
		})
	}
	return nil
}

func (b *builder) deed(ctx context.Context, task, caseID, person string, d history.Deed) error {
	data, err := b.known(ctx, b.work[person], d.Data.JSON())
	if err != nil {
		return err
	}
	var to []string
	for _, no := range d.To {
		to = append(to, b.person[no])
	}
	in := map[string]any{"verb": cmp.Or(d.Verb, "submit"), "task": task, "outcome": d.Outcome, "opinion": d.Opinion, "reason": d.Reason, "data": json.RawMessage(data), "to": to}
	return b.work[person].call(ctx, "POST", "/api/flow/cases/"+caseID+"/deeds", in, nil)
}

// step does the first of the steps left of a matter that was written out, when it is time, and then the others.
func (b *builder) step(caseID string, left []district.Deed) {
	if len(left) == 0 {
		return
	}
	s := left[0]
	b.plan(b.clock.now().Add(time.Duration(s.Hours*float64(time.Hour))), func(ctx context.Context) error {
		person := b.person[b.named(s.Who).StaffNo]
		open, err := b.a.kit.Flow.Waiting(ctx, b.a.kit.DB, caseID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(open, func(w flow.Waiting) bool { return slices.Contains(w.People, person) })
		if i < 0 {
			return fmt.Errorf("%s has no step of it", s.Who)
		}
		var data history.Form
		if s.Data != "" {
			if err := json.Unmarshal([]byte(s.Data), &data); err != nil {
				return err
			}
		}
		if err := b.deed(ctx, open[i].Task, caseID, person, history.Deed{Outcome: s.Outcome, Opinion: s.Opinion, Data: data}); err != nil {
			return fmt.Errorf("%s, %s: %w", s.Who, s.Outcome, err)
		}
		b.step(caseID, left[1:])
		return nil
	})
}

// known puts what only this installation knows into a form's words: ids of units, $unit(420111006), of persons, $person(HS00012), of
// resources, $res(vehicle/a1), of files it brings in, $photo(words) and $paper(title), and the date, $today.
func (b *builder) known(ctx context.Context, d *door, text string) (string, error) {
	var wrong error
	file := func(name string, content []byte) string {
		id, err := d.upload(ctx, name, bytes.NewReader(content), int64(len(content)))
		if err != nil && wrong == nil {
			wrong = err
		}
		return id
	}
	text = strings.ReplaceAll(text, "$today", when.FormatDate(b.clock.now()))
	for open, of := range map[string]func(string) string{
		"$unit(":   func(key string) string { return b.units[key] },
		"$person(": func(no string) string { return b.person[no] },
		"$res(":    func(key string) string { return b.resources[key] },
		"$photo(":  func(words string) string { return file(words+".jpg", history.Photo(uint64(b.planned))) },
		"$paper(": func(title string) string {
			pdf, err := b.paper(title)
			if err != nil && wrong == nil {
				wrong = err
			}
			return file(title+".pdf", pdf)
		},
	} {
		text = expand(text, open, func(key string) string {
			id := of(key)
			if id == "" && wrong == nil {
				wrong = fmt.Errorf("%s%s) is not known", open, key)
			}
			return id
		})
	}
	return text, wrong
}

// paper is a document of one page, the same for the same title.
func (b *builder) paper(title string) ([]byte, error) {
	if pdf, ok := b.papers[title]; ok {
		return pdf, nil
	}
	doc, err := paper.New(title, "zh", "演示数据", func(n int, of string) string { return fmt.Sprintf("%d / %s", n, of) }, b.clock.now())
	if err != nil {
		return nil, err
	}
	doc.Heading("洪山区（演示）", title)
	doc.Note("本文件为演示数据，内容均为虚构。")
	var out bytes.Buffer
	if _, err := doc.WriteTo(&out); err != nil {
		return nil, err
	}
	b.papers[title] = out.Bytes()
	return out.Bytes(), nil
}

// refresh lets everybody of the cast sign in today: passwords of a year ago have run out.
func (b *builder) refresh(ctx context.Context) error {
	return b.atOnce(len(b.accounts), func(i int) error {
		m := b.accounts[i]
		if _, err := b.enter(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.Login, err)
		}
		return nil
	})
}
