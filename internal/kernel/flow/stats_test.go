package flow_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

type counts struct {
	Items []flow.Count
	Total flow.Count
}

// Whatever is done, the sums are what the records say: kept with each deed, folded or not, made anew, over whole months or days.
func TestStatistics(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		steps := plain()
		steps[1].Task.Who = []flow.Who{{Kind: "staff", Of: "starter"}}
		o := newOffice(t, e, steps, flow.Limit{N: 2, Unit: when.Day})
		ask := func(as *room.Actor, query string) counts {
			t.Helper()
			var c counts
			e.Get(t, as, "GET /api/flow/stats?"+query, "", &c)
			return c
		}
		names := []string{"li", "wang", "zhao"}
		rnd := rand.New(rand.NewPCG(7, 7))
		for n := range 40 {
			c := o.begin("zhang", fmt.Sprint("m", n), `{"amount":10}`)
			e.Move(time.Duration(rnd.IntN(60*60)) * time.Minute)
			who := names[rnd.IntN(3)]
			if rnd.IntN(4) == 0 {
				o.must(who, c.ID, `{"verb":"return","task":"$task","node":"ask","reason":"材料不全"}`, 200, "")
				e.Move(time.Hour)
				o.must("zhang", c.ID, `{"verb":"submit","task":"$task"}`, 200, "")
				who = o.people["li"].Name
				for _, name := range names { // whoever has it again
					if len(o.have(name, c.ID)) > 0 {
						who = name
					}
				}
			}
			switch rnd.IntN(6) {
			case 0:
				o.must("chief", c.ID, `{"verb":"stop","reason":"不买了"}`, 200, "")
				continue
			case 1:
				continue // stays open
			}
			o.must(who, c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
			e.Move(time.Duration(1+rnd.IntN(3000)) * time.Minute)
			if err := e.Kit.Flow.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			o.must("wang", c.ID, `{"verb":"submit","task":"$task"}`, 200, "closed")
			if rnd.IntN(5) == 0 {
				o.must("chief", c.ID, `{"verb":"reopen","node":"pay","reason":"又要办"}`, 200, "open")
			}
		}
		now := e.Now.In(when.Zone)
		whole := "from=2023-06-01&to=" + now.Format("2006-01-02")
		dims := []string{"kind", "unit", "place", "step", "person"}
		before := map[string]counts{}
		for _, by := range dims {
			before[by] = ask(o.people["chief"], whole+"&by="+by)
		}
		if c := before["kind"]; len(c.Items) != 1 || c.Items[0].N < 10 || c.Items[0].Returned == 0 || c.Items[0].OnTime == c.Items[0].N || c.Items[0].Open == 0 || !slices.ContainsFunc(before["step"].Items, func(c flow.Count) bool { return c.Returned > 0 }) {
			t.Fatalf("%+v", c)
		}
		if err := e.Kit.Flow.Recount(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, by := range dims {
			if again := ask(o.people["chief"], whole+"&by="+by); !reflect.DeepEqual(again, before[by]) {
				t.Errorf("by %s: kept %+v, made anew %+v", by, before[by], again)
			}
		}
		// Days at the ends of a span are read from the records; exact, and the median within 1 %.
		for _, span := range [][2]string{{"2023-06-01", "2023-06-30"}, {"2023-06-05", "2023-07-12"}, {"2023-06-10", "2023-06-11"}} {
			from, _ := when.ParseDate(span[0])
			to, _ := when.ParseDate(span[1])
			took, err := store.Column[int64](t.Context(), e.Kit.DB, `SELECT took FROM flow_case WHERE state = 'closed' AND closed_at >= $1 AND closed_at < $2 ORDER BY took`, store.At(from), store.At(to.AddDate(0, 0, 1)))
			if err != nil {
				t.Fatal(err)
			}
			got := ask(o.people["chief"], "from="+span[0]+"&to="+span[1]).Total
			if got.N != int64(len(took)) {
				t.Errorf("%v: %d, want %d", span, got.N, len(took))
			}
			if len(took) > 0 {
				want := float64(took[(len(took)+1)/2-1])
				if math.Abs(got.Half-want) > want/100 {
					t.Errorf("%v: the median is %f, want %f", span, got.Half, want)
				}
			}
		}
		// Behind each figure stand as many cases as it says.
		for state, n := range map[string]int64{"closed": before["kind"].Total.N, "late": before["kind"].Total.N - before["kind"].Total.OnTime, "returned": before["kind"].Total.Returned, "open": before["kind"].Total.Open, "overdue": before["kind"].Total.Overdue} {
			var l store.Listed[flow.Line]
			e.Get(t, o.people["chief"], "GET /api/flow/stats/cases?limit=200&"+whole+"&by=kind&key=memo&state="+state, "", &l)
			if int64(len(l.Items)) != n {
				t.Errorf("%s: %d cases behind %d", state, len(l.Items), n)
			}
		}
		// Another unit's figures are not seen, and nobody without the right sees any.
		other := kerneltest.Actor("other", "elsewhere", room.Unit, "flow.supervise")
		if c := ask(other, whole); c.Total.N != 0 || len(c.Items) != 0 {
			t.Errorf("%+v", c)
		}
		if s, _ := o.Call(t, kerneltest.Case{As: o.people["li"], Call: "GET /api/flow/stats"}); s != 403 {
			t.Error(s)
		}
		if s, b := o.Call(t, kerneltest.Case{As: o.people["chief"], Call: "GET /api/flow/stats.xlsx?" + whole + "&by=person"}); s != 200 || !strings.HasPrefix(b, "PK") {
			t.Error(s)
		}
	})
}

// have lists a person's open tasks of a case, none where he does not see it.
func (o *office) have(who, id string) []flow.Item {
	var d flow.Detail
	s, _ := o.Call(o.t, kerneltest.Case{As: o.people[who], Call: "GET /api/flow/cases/" + id})
	if s != 200 {
		return nil
	}
	d = o.see(who, id)
	return slices.Clone(d.Mine)
}
