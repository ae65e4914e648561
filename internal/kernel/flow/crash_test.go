package flow_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// crash is what a child process is told.
type crash struct {
	URL, File, Dir string
	People         map[string]*room.Actor
	Round          int
}

// busy is a drawing with everything that can be half done: a service, several at once, clocks, a boundary timer.
func busy() []flow.Step {
	steps := plain()
	steps[1].Task.Who = []flow.Who{{Kind: "staff", Of: "starter"}}
	steps[3].Task.Who, steps[3].Task.Share = []flow.Who{{Kind: "staff", Of: "starter"}}, "each"
	steps[3].Task.Limit, steps[3].Task.Warn = []flow.Limit{{N: 1, Unit: when.WorkHour}}, []int{1}
	return steps
}

// A process killed at any instruction, four times over, leaves no case half moved: what was acknowledged is on disk, every token has
// its task and every task its token, nothing is on a list that is done, numbers have no gap; and every case can still be brought to
// its end.
func TestKilledAnywhere(t *testing.T) {
	if s := os.Getenv("QUSHU_TEST_FLOW_CRASH"); s != "" {
		var c crash
		if err := json.Unmarshal([]byte(s), &c); err != nil {
			t.Fatal(err)
		}
		actUntilKilled(t, c)
		return
	}
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			c := crash{Dir: t.TempDir()}
			c.URL, c.File = houses.Clone(t, engine)
			t.Run("office", func(t *testing.T) {
				o := newOffice(t, houses.At(t, c.URL, c.File, c.Dir), busy(), flow.Limit{N: 5, Unit: when.WorkDay})
				c.People = o.people
			})
			var said []string
			for c.Round = range 4 {
				said = append(said, killed(t, c)...)
			}
			o := &office{Env: houses.At(t, c.URL, c.File, c.Dir), t: t, people: c.People}
			whole(t, o.Kit.DB)
			if len(said) < 50 {
				t.Fatalf("only %d deeds were done", len(said))
			}
			have := map[string]bool{}
			keys, err := store.Column[string](t.Context(), o.Kit.DB, `SELECT case_id || ' ' || verb || ' ' || person FROM flow_step`)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				have[k] = true
			}
			for _, s := range said {
				if !have[s] {
					t.Errorf("%s was acknowledged and is lost", s)
				}
			}
			finish(t, o)
			whole(t, o.Kit.DB)
		})
	}
}

// killed runs a child and kills it after a while; it returns what the child said was done.
func killed(t *testing.T, c crash) (said []string) {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestKilledAnywhere$")
	child.Env = append(os.Environ(), "QUSHU_TEST_FLOW_CRASH="+string(b))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	most := 20 + rand.IntN(20)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if s, ok := strings.CutPrefix(lines.Text(), "done "); ok {
			said = append(said, s)
		}
		if len(said) == most {
			time.AfterFunc(time.Duration(rand.IntN(20))*time.Millisecond, func() { child.Process.Kill() })
		}
	}
	_ = child.Wait()
	return said
}

// actUntilKilled begins cases and does what may be done to them, from four sides at once, until the process ends.
func actUntilKilled(t *testing.T, c crash) {
	e := houses.At(t, c.URL, c.File, c.Dir)
	o := &office{Env: e, t: t, people: c.People}
	var mu sync.Mutex
	say := func(id, verb string, as *room.Actor) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf("done %s %s %s\n", id, verb, as.Person)
	}
	names := []string{"zhang", "li", "wang", "zhao", "chief"}
	var wg sync.WaitGroup
	for side := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				as := o.people[names[rand.IntN(len(names))]]
				if rand.IntN(4) == 0 {
					status, body := o.Call(t, kerneltest.Case{As: as, Call: "POST /api/memo/begin", Body: fmt.Sprintf(`{"Object":"r%d-%d-%d","Title":"买","Vars":{"amount":%d}}`, c.Round, side, n, rand.IntN(3000))})
					var made flow.Case
					if status == 200 && json.Unmarshal([]byte(body), &made) == nil {
						say(made.ID, "begin", as)
					}
					continue
				}
				act(o, as, say)
			}
		})
	}
	wg.Wait()
}

// act does one random deed of a random task of somebody.
func act(o *office, as *room.Actor, say func(id, verb string, as *room.Actor)) {
	_, body := o.Call(o.t, kerneltest.Case{As: as, Call: "GET /api/flow/tasks?box=do&limit=50"})
	var l store.Listed[flow.Line]
	if json.Unmarshal([]byte(body), &l) != nil || len(l.Items) == 0 {
		return
	}
	row := l.Items[rand.IntN(len(l.Items))]
	other := o.people[[]string{"zhang", "li", "wang", "zhao"}[rand.IntN(4)]].Person
	deed := map[string]any{"task": row.Task, "opinion": "同意", "reason": "情况属实"}
	switch verb := []string{"submit", "submit", "submit", "submit", "return", "transfer", "add", "stop"}[rand.IntN(8)]; verb {
	case "submit":
		deed["verb"] = verb
		deed["outcome"] = "agree"
	case "add":
		deed["verb"], deed["to"], deed["how"] = verb, []string{other}, []string{"beside", "before", "after"}[rand.IntN(3)]
	case "transfer":
		deed["verb"], deed["to"] = verb, []string{other}
	default:
		deed["verb"] = verb
	}
	b, _ := json.Marshal(deed)
	if status, _ := o.Call(o.t, kerneltest.Case{As: as, Call: "POST /api/flow/cases/" + row.Case + "/deeds", Body: string(b)}); status == 200 {
		say(row.Case, deed["verb"].(string), as)
	}
}

// whole proves that every case stands where its tokens, tasks, lists and clocks say.
func whole(t *testing.T, db *store.DB) {
	t.Helper()
	for what, q := range map[string]string{
		"a case that has ended keeps a task, a list or a clock": `SELECT count(*) FROM flow_case c WHERE c.closed_at > 0 AND (EXISTS (SELECT 1 FROM flow_todo t WHERE t.case_id = c.id AND t.box = 'do')
			OR EXISTS (SELECT 1 FROM flow_timer t WHERE t.case_id = c.id) OR EXISTS (SELECT 1 FROM flow_task k WHERE k.case_id = c.id AND k.box = 'do' AND (k.state = 'open' OR k.state = 'wait')))`,
		"a list holds what is not open":        `SELECT count(*) FROM flow_todo t JOIN flow_task k ON k.id = t.task_id WHERE k.state <> 'open'`,
		"an open task is on nobody's list":     `SELECT count(*) FROM flow_task k WHERE k.state = 'open' AND k.box = 'do' AND NOT EXISTS (SELECT 1 FROM flow_todo t WHERE t.task_id = k.id)`,
		"an open case has nothing to do":       `SELECT count(*) FROM flow_case c WHERE c.state = 'open' AND NOT EXISTS (SELECT 1 FROM flow_task k WHERE k.case_id = c.id AND k.state = 'open' AND k.box <> 'read')`,
		"a trace has a gap":                    `SELECT count(*) FROM (SELECT case_id FROM flow_step GROUP BY case_id HAVING max(seq) <> count(*)) AS x`,
		"a case has no beginning in its trace": `SELECT count(*) FROM flow_case c WHERE NOT EXISTS (SELECT 1 FROM flow_step s WHERE s.case_id = c.id AND s.verb = 'begin')`,
		"numbers have a gap":                   `SELECT count(*) FROM flow_number n WHERE n.last <> (SELECT count(*) FROM flow_case c WHERE c.number LIKE n.rule || n.period || '%')`,
	} {
		n, err := store.Value[int](t.Context(), db, q)
		if err != nil {
			t.Fatal(what, err)
		}
		if n > 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	type row struct{ id, tokens string }
	all, err := store.All(t.Context(), db, func(r *row) []any { return []any{&r.id, &r.tokens} }, `SELECT id, CAST(tokens AS TEXT) FROM flow_case WHERE state = 'open'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		var run struct {
			State struct {
				Tokens []struct {
					ID   int
					Node string
					Via  string
				}
			}
		}
		if err := json.Unmarshal([]byte(r.tokens), &run); err != nil {
			t.Fatal(err)
		}
		tokens, err := store.Column[int](t.Context(), db, `SELECT DISTINCT token FROM flow_task WHERE case_id = $1 AND box <> 'read' AND (state = 'open' OR state = 'wait') ORDER BY token`, r.id)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, k := range run.State.Tokens {
			if k.Via == "" {
				want++
			}
		}
		if len(tokens) != want {
			t.Errorf("case %s has %d tokens at activities and tasks of %d", r.id, want, len(tokens))
		}
	}
}

// finish brings every case to its end by its holders.
func finish(t *testing.T, o *office) {
	t.Helper()
	for range 60 {
		left := 0
		for _, as := range o.people {
			var l store.Listed[flow.Line]
			o.Get(t, as, "GET /api/flow/tasks?box=do&limit=200", "", &l)
			left += len(l.Items)
			for _, row := range l.Items {
				_, _ = o.Call(t, kerneltest.Case{As: as, Call: "POST /api/flow/cases/" + row.Case + "/deeds", Body: fmt.Sprintf(`{"verb":"submit","task":%q,"outcome":"agree","opinion":"同意","reason":"情况属实"}`, row.Task)})
			}
		}
		if left == 0 {
			break
		}
	}
	n, err := store.Value[int](t.Context(), o.Kit.DB, `SELECT count(*) FROM flow_case WHERE closed_at = 0`)
	if err != nil || n > 0 {
		t.Errorf("%d cases do not come to an end: %v", n, err)
	}
}
