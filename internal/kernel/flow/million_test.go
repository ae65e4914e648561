package flow_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
)

// TestMillion measures, when QUSHU_BENCH_CASES says at how many closed cases; it asserts nothing about time. bench/ runs it and
// writes what it prints into docs/benchmarks.md.
func TestMillion(t *testing.T) {
	most, err := strconv.Atoi(os.Getenv("QUSHU_BENCH_CASES"))
	if err != nil {
		t.Skip("QUSHU_BENCH_CASES is not set")
	}
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			o := newOffice(t, houses.Start(t, engine), plain(), flow.Limit{N: 5, Unit: when.WorkDay})
			say := func(format string, args ...any) { fmt.Printf("bench %s: %s\n", engine, fmt.Sprintf(format, args...)) }
			model := o.begin("zhang", "model", `{"amount":10}`)
			began := time.Now()
			o.fill(most, model)
			say("%d closed cases with tasks, traces and parties made in %.0f s", most, time.Since(began).Seconds())
			began = time.Now()
			if err := o.Kit.Flow.Recount(t.Context()); err != nil {
				t.Fatal(err)
			}
			say("sums made anew in %.1f s", time.Since(began).Seconds())
			if os.Getenv("QUSHU_BENCH_LIVES") != "" {
				o.lives(say, 20, 20*time.Second)
				return
			}
			for _, by := range []string{"kind", "unit", "place", "step", "person"} {
				say("statistics of a year by %s: p95 %s", by, p95(20, func() { o.get("chief", "/api/flow/stats?from=2022-06-01&to=2023-05-31&by="+by) }))
			}
			say("statistics of 45 days that are no whole months, by unit: p95 %s", p95(5, func() { o.get("chief", "/api/flow/stats?from=2023-01-10&to=2023-02-23&by=unit") }))
			o.open(5000, model, "busy")
			say("to-do page with 5000 open tasks: p95 %s", p95(50, func() { o.get("zhao", "/api/flow/tasks?box=do&limit=30") }))
			say("counts of the boxes with 5000 open tasks: p95 %s", p95(50, func() { o.get("zhao", "/api/flow/boxes") }))
			o.lives(say, 20, 20*time.Second)
			o.open(10_000, model, "timer")
			began = time.Now()
			o.Move(2 * time.Hour)
			if err := o.Kit.Flow.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			left, err := store.Value[int](t.Context(), o.Kit.DB, `SELECT count(*) FROM flow_timer WHERE kind = 'warn' AND arg = 'bench'`)
			if err != nil || left > 0 {
				t.Fatal(left, err)
			}
			say("10 000 timers due at once fired in %.1f s", time.Since(began).Seconds())
		})
	}
}

func (o *office) get(who, path string) {
	if s, b := o.Call(o.t, kerneltest.Case{As: o.people[who], Call: "GET " + path}); s != http.StatusOK {
		o.t.Error(s, b)
	}
}

func p95(times int, fn func()) time.Duration {
	all := make([]time.Duration, times)
	for i := range all {
		at := time.Now()
		fn()
		all[i] = time.Since(at)
	}
	slices.Sort(all)
	return all[len(all)*95/100].Round(100 * time.Microsecond)
}

const numbers = `WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < CAST($2 AS BIGINT)) `

func (o *office) exec(sql string, args ...any) {
	o.t.Helper()
	if err := store.Exec(o.t.Context(), o.Kit.DB, sql, args...); err != nil {
		o.t.Fatal(err)
	}
}

// fill makes closed cases by the statement: as many as a district has after years.
func (o *office) fill(most int, model flow.Case) {
	start := store.At(time.Date(2022, 6, 1, 0, 0, 0, 0, when.Zone))
	step := int64(365*24*3600*1_000_000) / int64(most)
	def, err := store.Value[string](o.t.Context(), o.Kit.DB, `SELECT def_id FROM flow_case WHERE id = $1`, model.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	for from := 1; from <= most; from += 50_000 {
		to := min(from+49_999, most)
		o.exec(numbers+`INSERT INTO flow_case (id, kind, room, object, def_id, number, title, level, state, step, holder, place, street, community, unit_id, owner, owner_name, from_unit, begun_at, due_at, due_unit, closed_at, late, tokens, version, took, returned)
			SELECT 'b' || i, 'memo', 'memo', 'b' || i, $3, 'OLD-' || i, '买打印机 ' || i, '', 'closed', '', '', '', '420111' || (100 + i % 17), '420111' || (100100 + i % 327), CASE WHEN i % 3 = 0 THEN $4 ELSE 'u' || (i % 100) END, $5, '张三', $6, $7 + i * $8, 0, 'day', $9 + i * $10 + (i % 977) * 60000000, i % 10 = 0, '{}', 2, (i % 977) * 60, CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END FROM n`,
			from, to, def, o.unit, o.people["zhang"].Person, o.unit, start, step, start, step)
		o.exec(numbers+`INSERT INTO flow_task (id, case_id, node, name, token, box, state, share, rank, person, chosen, begun_at, due_at, due_unit, done_at, done_by, outcome)
			SELECT 'b' || i, 'b' || i, 'check', '审核', 1, 'do', 'done', 'any', 0, '', '[]', $3 + i * $4, 0, 'day', $5 + i * $6 + (i % 977) * 60000000, CASE WHEN i % 2 = 0 THEN $7 ELSE 'p' || (i % 3000) END, 'agree' FROM n`,
			from, to, start, step, start, step, o.people["li"].Person)
		o.exec(numbers+`INSERT INTO flow_step (id, case_id, seq, at, verb, person, name, post, unit_id, unit_name, task_id, step, onto, outcome, opinion, reason, took, due_at, late)
			SELECT 'b' || i, 'b' || i, 1, $3 + i * $4, 'begin', $5, '张三', '干部', $6, '办公室', '', '申请', '审核', '', '', '', 0, 0, FALSE FROM n`, from, to, start, step, o.people["zhang"].Person, o.unit)
		o.exec(numbers+`INSERT INTO flow_party (case_id, person, part, at) SELECT 'b' || i, CASE WHEN i % 2 = 0 THEN $3 ELSE 'p' || (i % 3000) END, 'done', $4 + i * $5 FROM n`, from, to, o.people["li"].Person, start, step)
	}
}

// open makes open cases at the step of the model, with a task before one person: busy ones before zhao, timer ones with a warning due.
func (o *office) open(many int, model flow.Case, what string) {
	who, now := o.people["zhao"].Person, store.At(o.Now)
	o.exec(numbers+`INSERT INTO flow_case (id, kind, room, object, def_id, number, title, level, state, step, holder, place, street, community, unit_id, owner, owner_name, from_unit, begun_at, due_at, due_unit, tokens, version)
		SELECT $3 || i, c.kind, c.room, $4 || i, c.def_id, upper($5) || '-' || i, c.title, c.level, 'open', c.step, c.holder, '', '', '', c.unit_id, c.owner, c.owner_name, c.from_unit, c.begun_at, 0, c.due_unit, c.tokens, 1 FROM n, flow_case c WHERE c.id = $6`,
		1, many, what, what, what, model.ID)
	o.exec(numbers+`INSERT INTO flow_task (id, case_id, node, name, token, box, state, share, rank, person, chosen, begun_at, due_at, due_unit)
		SELECT $3 || i, $4 || i, k.node, k.name, k.token, 'do', 'open', 'any', 0, $5, '[]', $6 + i, 0, k.due_unit FROM n, flow_task k WHERE k.case_id = $7 AND k.box = 'do'`, 1, many, what, what, who, now, model.ID)
	o.exec(numbers+`INSERT INTO flow_todo (person, task_id, case_id, box, at, due_at) SELECT $3, $4 || i, $5 || i, 'do', $6 + i, 0 FROM n`, 1, many, who, what, what, now)
	if what == "timer" {
		o.exec(numbers+`INSERT INTO flow_timer (id, case_id, task_id, token, kind, arg, at, unit) SELECT 'bench' || i, $3 || i, $4 || i, 1, 'warn', 'bench', $5, 'day' FROM n`, 1, many, what, what, store.At(o.Now.Add(time.Minute)))
	}
}

// lives begins, decides, closes and looks up cases from many sides at once.
func (o *office) lives(say func(string, ...any), users int, d time.Duration) {
	ctx, stop := context.WithTimeout(o.t.Context(), d)
	defer stop()
	var mu sync.Mutex
	took := map[string][]time.Duration{}
	done := 0
	timed := func(what string, fn func() string) string {
		at := time.Now()
		out := fn()
		mu.Lock()
		defer mu.Unlock()
		took[what] = append(took[what], time.Since(at))
		return out
	}
	call := func(who, path, body string) string {
		s, b := o.Call(o.t, kerneltest.Case{As: o.people[who], Call: path, Body: body})
		if s != 200 {
			o.t.Error(path, s, b)
		}
		return b
	}
	task := func(who, id string) string { return o.see(who, id).Mine[0].ID }
	var wg sync.WaitGroup
	began := time.Now()
	for u := range users {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				b := timed("create", func() string {
					return call("zhang", "POST /api/memo/begin", fmt.Sprintf(`{"Object":"l%d-%d","Title":"买一台打印机","Vars":{"amount":10}}`, u, n))
				})
				id, number := between(b, `"id":"`), between(b, `"number":"`)
				for _, s := range []struct{ who, what, outcome string }{{"li", "assign", "agree"}, {"wang", "resolve", ""}} {
					k := task(s.who, id)
					timed(s.what, func() string {
						return call(s.who, "POST /api/flow/cases/"+id+"/deeds", fmt.Sprintf(`{"verb":"submit","task":%q,"outcome":%q}`, k, s.outcome))
					})
				}
				timed("search", func() string { return call("zhang", "GET /api/flow/tasks?box=mine&text="+number, "") })
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	say("%d users, create → assign → resolve → search: %.0f lives/s", users, float64(done)/time.Since(began).Seconds())
	for _, what := range []string{"create", "assign", "resolve", "search"} {
		all := took[what]
		slices.Sort(all)
		say("  %s: p50 %s, p95 %s", what, all[len(all)/2].Round(100*time.Microsecond), all[len(all)*95/100].Round(100*time.Microsecond))
	}
}

func between(s, after string) string {
	_, s, _ = strings.Cut(s, after)
	s, _, _ = strings.Cut(s, `"`)
	return s
}
