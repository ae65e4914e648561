package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/when"
	"qushu/simulate/district"
)

// fillers is how many communities of the demonstration hand their sheets in; all receive them.
const fillers = 12

// reporters gives those who draft, check and fill in reports a token each, as an app on a phone would hold.
func (b *builder) reporters(ctx context.Context) error {
	b.desks, b.filling = map[string]*door{}, map[string]*door{}
	for login, scopes := range map[string][]string{
		"minzheng.reader": {"burden.read", "burden.draft"}, "shuiwu.admin": {"burden.read", "burden.draft"}, "jiaoyu.notice": {"burden.read", "burden.draft"}, "qiye.service": {"burden.read", "burden.draft"},
		"yibao.data": {"burden.read", "burden.draft"}, "centre.data": {"burden.read", "burden.draft"}, "shenpi.review": {"burden.read", "burden.check"},
	} {
		d, err := b.token(ctx, b.named(login).door, scopes)
		if err != nil {
			return fmt.Errorf("%s: %w", login, err)
		}
		b.desks[login] = d
	}
	var who []district.Unit
	taken := map[string]int{} // two of a street
	for _, u := range b.d.Units {
		if p, ok := b.d.Leader(u.Key); ok && u.Kind == district.KindCommunity && b.person[p.StaffNo] == "" && taken[u.Parent] < 2 && len(who) < fillers {
			taken[u.Parent]++
			who = append(who, u)
		}
	}
	return b.atOnce(len(who), func(i int) error {
		p, _ := b.d.Leader(who[i].Key)
		d, err := b.awake(ctx, p.StaffNo, newPassword()) // nobody is told
		if err == nil {
			d, err = b.token(ctx, d, []string{"burden.read", "burden.fill"})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", who[i].Name, err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.filling[who[i].Key] = d
		return nil
	})
}

// token makes a token of whoever is signed in at a door, and a door that shows it.
func (b *builder) token(ctx context.Context, in *door, scopes []string) (*door, error) {
	var t struct{ Token string }
	if err := in.call(ctx, "POST", "/api/identity/tokens", map[string]any{"name": "移动端", "scopes": scopes, "days": 365}, &t); err != nil {
		return nil, err
	}
	d, err := newDoor(b.base, b.clock.now)
	if err == nil {
		d.bearer = t.Token
	}
	return d, err
}

// draftedReport is what the demonstration reads of a report.
type draftedReport struct {
	ID, Case string
	Version  int64
}

// reportsOfYear plans a report that was sent each month before there was a catalogue to hold it against.
func (b *builder) reportsOfYear() {
	r := district.EarlyReport()
	first := b.today.AddDate(0, -6, 0)
	id := ""
	b.plan(first, func(ctx context.Context) (err error) {
		id, err = b.admit(ctx, r, nil)
		return err
	})
	for at := first.AddDate(0, 0, 1); at.Before(b.today.AddDate(0, 0, -22)); at = at.AddDate(0, 1, 0) {
		b.plan(at, func(ctx context.Context) error { return b.collect(ctx, r, id, 5) })
	}
}

// reports holds six reports of the last weeks against the catalogue: most are sent, one is refused, one waits, one is a draft.
func (b *builder) reports(ctx context.Context) error {
	if err := b.gridTable(ctx); err != nil {
		return err
	}
	sent := map[string]string{}
	b.held = map[string]string{}
	for _, r := range district.Reports() { // looked up at once: the day goes on, and a session ends that is not used
		for _, f := range r.Fields {
			name, _, _ := strings.Cut(f.Held, "/")
			if name == "" || b.held[name] != "" {
				continue
			}
			id, err := b.entryOf(ctx, b.named("centre.data").door, name)
			if err != nil {
				return err
			}
			b.held[name] = id
		}
	}
	for _, r := range district.Reports() {
		id, err := b.admit(ctx, r, sent)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Title, err)
		}
		if sent[r.Title] = id; r.Refuse != "" || r.Until != "" {
			continue
		}
		if err := b.collect(ctx, r, id, fillers); err != nil {
			return fmt.Errorf("%s: %w", r.Title, err)
		}
	}
	for _, d := range b.filling { // one of them also got a form that nobody has approved
		return d.call(ctx, "POST", "/api/burden/tips", map[string]any{"title": "反诈宣传每日统计表", "sender": "工作群里转发，没有落款", "words": "每天 17 点前要报，清单里查不到这张表。"}, nil)
	}
	return nil
}

// gridTable loads the table of grids that the entry of the catalogue describes, binds it and grants it to who fills reports in from it.
func (b *builder) gridTable(ctx context.Context) error {
	b.clock.set(b.clock.now().Add(time.Hour))
	d, err := b.enter(ctx, b.named("centre.data"))
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	rows := [][]string{{"社区代码", "社区名称", "网格编号", "网格员数"}}
	r := rand.New(rand.NewPCG(b.seed, 51))
	for _, u := range b.d.Units {
		if u.Kind == district.KindCommunity {
			n := 4 + r.IntN(9)
			rows = append(rows, []string{u.Code, u.Name, u.Code + "W01-W" + strconv.Itoa(n), strconv.Itoa(n)})
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	file, err := d.upload(ctx, "社区网格划分.csv", &buf, int64(buf.Len()))
	if err != nil {
		return err
	}
	l, err := b.loadAs(ctx, d, file, plan{name: "community_grids", title: "社区网格划分", key: "社区代码", code: "社区代码", open: true, summary: "各社区网格划分与网格员配备（演示数据）。"})
	if err != nil {
		return err
	}
	entry, err := b.entryOf(ctx, d, district.GridEntry)
	if err != nil {
		return err
	}
	if err := d.call(ctx, "POST", "/api/catalog/entries/"+entry+"/mounts", map[string]any{"kind": "table", "dataset": l.MadeDataset}, nil); err != nil {
		return err
	}
	for _, unit := range []string{"MZ", "SW"} {
		in := map[string]any{"unit": b.units[unit], "columns": []string{"社区代码", "社区名称", "网格员数"}, "reveal": []string{}, "purpose": "预填下发社区的报表", "basis": "《政务信息资源共享管理暂行办法》", "until": b.clock.now().AddDate(1, 0, 0)}
		if err := d.call(ctx, "POST", "/api/library/datasets/"+l.MadeDataset+"/grants", in, nil); err != nil {
			return err
		}
	}
	return nil
}

// entryOf finds a published entry of the catalogue by its name.
func (b *builder) entryOf(ctx context.Context, d *door, name string) (string, error) {
	var found struct{ Items []drafted }
	if err := d.call(ctx, "GET", "/api/catalog/entries?text="+url.QueryEscape(name), nil, &found); err != nil {
		return "", err
	}
	for _, e := range found.Items {
		if e.Name == name {
			return e.ID, nil
		}
	}
	return "", fmt.Errorf("there is no entry %s", name)
}

// admit drafts a report, decides what the catalogue says of its fields, files it and has it checked, as far as it comes. sent are the reports before it, by title.
func (b *builder) admit(ctx context.Context, r district.Report, sent map[string]string) (string, error) {
	d := b.desks[r.By]
	fields := []map[string]any{}
	for i, f := range r.Fields {
		x := map[string]any{"key": "f" + strconv.Itoa(i+1), "name": f.Name, "kind": f.Kind, "measure": f.Measure, "required": f.Held == "" && f.Same == "" && f.Kind == "number", "rowKey": f.RowKey}
		if f.Held != "" {
			name, item, _ := strings.Cut(f.Held, "/")
			if x["decide"], x["entry"], x["item"] = "prefill", b.held[name], item; f.Exempt != "" {
				x["decide"], x["why"] = "exempt", f.Exempt
			}
		}
		fields = append(fields, x)
	}
	to := []string{}
	for _, u := range b.d.Units {
		if u.Kind == district.KindStreet && (r.Streets == 0 || len(to) < r.Streets) {
			to = append(to, b.units[u.Key])
		}
	}
	var made draftedReport
	form := map[string]any{"title": r.Title, "purpose": r.Purpose, "basis": r.Basis, "period": r.Period, "level": "community", "list": r.List, "expected": r.Rows, "due": when.FormatDate(b.clock.now().AddDate(0, 0, 25)), "targets": to, "fields": fields}
	if err := d.call(ctx, "POST", "/api/burden/reports", form, &made); err != nil || r.Until == "draft" {
		return made.ID, err
	}
	for i, f := range r.Fields {
		if f.Same == "" {
			continue
		}
		if err := b.shareOne(ctx, d, made.ID, "f"+strconv.Itoa(i+1), sent[f.Same]); err != nil {
			return "", err
		}
	}
	at := "/api/burden/reports/" + made.ID
	if err := d.call(ctx, "GET", at, nil, &made); err != nil {
		return "", err
	}
	if err := d.call(ctx, "POST", at+"/file", map[string]any{"version": made.Version}, &made); err != nil || r.Until == "review" {
		return made.ID, err
	}
	return made.ID, b.judged(ctx, made.Case, r)
}

// shareOne has the field of a report taken from another's collection: asked for, and agreed to by the department that collects.
func (b *builder) shareOne(ctx context.Context, d *door, id, field, other string) error {
	var s struct{ ID string }
	if err := d.call(ctx, "POST", "/api/burden/reports/"+id+"/shares", map[string]any{"field": field, "other": other, "otherField": "f4"}, &s); err != nil {
		return err
	}
	return b.desks["minzheng.reader"].call(ctx, "POST", "/api/burden/shares/"+s.ID+"/answer", map[string]any{"agree": true, "reason": "每月 25 日前更新"}, nil)
}

// judged passes or refuses a report in its check.
func (b *builder) judged(ctx context.Context, caseID string, r district.Report) error {
	d := b.desks["shenpi.review"]
	b.clock.set(b.clock.now().Add(40 * time.Minute))
	var at struct{ Mine []struct{ ID string } }
	if err := d.call(ctx, "GET", "/api/flow/cases/"+caseID, nil, &at); err != nil {
		return err
	}
	if len(at.Mine) == 0 {
		return fmt.Errorf("its check is before nobody of the bureau")
	}
	in := map[string]any{"verb": "submit", "task": at.Mine[0].ID, "outcome": "pass", "data": map[string]any{"struck": []any{}, "exempt": []string{}}}
	if r.Refuse != "" {
		struck := []map[string]string{}
		for i, f := range r.Fields {
			if f.Held != "" {
				struck = append(struck, map[string]string{"key": "f" + strconv.Itoa(i+1), "reason": "平台已有，无条件共享"})
			}
		}
		in["outcome"], in["reason"], in["data"] = "refuse", r.Refuse, map[string]any{"struck": struck, "exempt": []string{}}
	}
	return d.call(ctx, "POST", "/api/flow/cases/"+caseID+"/deeds", in, nil)
}

// collect sends a report and has some communities fill it in, each in a few minutes.
func (b *builder) collect(ctx context.Context, r district.Report, id string, most int) error {
	if err := b.desks[r.By].call(ctx, "POST", "/api/burden/reports/"+id+"/send", map[string]any{"due": when.FormatDate(b.clock.now().AddDate(0, 0, 10))}, nil); err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(b.seed, uint64(b.clock.now().Unix())))
	keys := []string{}
	for k := range b.filling {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys[:min(most, len(keys))] {
		if err := b.fillIn(ctx, b.filling[k], r, id, rnd); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	return nil
}

// fillIn opens the newest sheet of a report, takes its time, writes numbers and hands it in. Who has none was not asked.
func (b *builder) fillIn(ctx context.Context, d *door, r district.Report, id string, rnd *rand.Rand) error {
	var all struct {
		Items []struct{ ID, Report string }
	}
	if err := d.call(ctx, "GET", "/api/burden/sheets?view=todo", nil, &all); err != nil {
		return err
	}
	for _, s := range all.Items {
		if s.Report != id {
			continue
		}
		var sheet struct{ Version int64 }
		if err := d.call(ctx, "POST", "/api/burden/sheets/"+s.ID+"/open", nil, &sheet); err != nil {
			return err
		}
		spent := 70 + rnd.IntN(160)
		b.clock.set(b.clock.now().Add(time.Duration(spent+5) * time.Second))
		row := map[string]string{}
		for i, f := range r.Fields {
			switch key := "f" + strconv.Itoa(i+1); {
			case f.Held != "" || f.Same != "":
			case f.Kind == "number":
				row[key] = strconv.Itoa(f.Least + rnd.IntN(f.Most-f.Least+1))
			case f.Kind == "name":
				row[key] = "张" + string([]rune("伟芳敏静磊洋")[rnd.IntN(6)])
			case f.Kind == "text":
				row[key] = "已现场处理"
			}
		}
		return d.call(ctx, "POST", "/api/burden/sheets/"+s.ID+"/submit", map[string]any{"rows": []any{row}, "spentSeconds": spent, "version": sheet.Version}, nil)
	}
	return nil
}
