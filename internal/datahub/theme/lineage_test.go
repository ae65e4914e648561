package theme_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
)

type graph struct {
	Focus string
	Nodes []struct {
		ID, Kind, Title, Name, UnitName, Of, SQL, Library string
		Hidden                                            bool
		Number                                            int64
		Layer                                             int
		Columns                                           []struct {
			Name   string
			Marked bool
		}
		Links []struct {
			Name, How string
			From      []struct{ Dataset, Column string }
		}
	}
	Edges []struct {
		From, To string
		Number   int64
		Stale    bool
	}
}

func (g graph) line() string {
	var out []string
	for _, n := range g.Nodes {
		name := n.Kind + " " + n.Title
		if n.Hidden {
			name = n.Kind + " hidden " + n.UnitName
		}
		out = append(out, fmt.Sprintf("%d %s", n.Layer, strings.TrimSpace(name)))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// A leader asks where a number comes from and sees the chain down to the file.
func TestLineage(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish(dataset.Dataset{}, "population", "u1", people(30))
		zhang := builder("zhang", "u1")
		l, r := e.ready(zhang, clean, byStreet)
		made, sums := r.Results[0].Dataset, r.Results[1].Dataset
		var g graph
		e.Get(t, zhang, "GET /api/theme/lineage?dataset="+sums, "", &g)
		want := "0 file 人口1.csv; 1 dataset 人口u1; 2 step 清洗后的人口; 3 dataset 清洗后的人口; 4 step 分街道人口; 5 dataset 分街道人口"
		if g.line() != want {
			t.Errorf("%s\nwant %s", g.line(), want)
		}
		for _, n := range g.Nodes {
			if n.Kind == "step" && (n.SQL == "" || n.Library != l.ID) {
				t.Errorf("%+v", n)
			}
			if n.Title == "分街道人口" && n.Kind == "step" && (n.Links[2].Name != "lr" || n.Links[2].How != "aggregate" || fmt.Sprint(n.Links[2].From) != "[{d:"+made+" nl}]") {
				t.Errorf("%+v", n.Links)
			}
		}
		var down graph
		e.Get(t, zhang, "GET /api/theme/lineage?dataset="+ds.ID, "", &down)
		if down.line() != want {
			t.Errorf("from the other end: %s", down.line())
		}
		// Of one column only what it comes from.
		e.Get(t, zhang, "GET /api/theme/lineage?dataset="+sums+"&column=lr", "", &g)
		var marked []string
		for _, n := range g.Nodes {
			for _, c := range n.Columns {
				if c.Marked {
					marked = append(marked, n.Name+"."+c.Name)
				}
			}
		}
		if fmt.Sprint(marked) != "[population.nl clean.nl by_street.lr]" || len(g.Nodes) != 6 {
			t.Error(marked, g.line())
		}
		e.publish(ds, "population", "u1", people(31))
		e.Get(t, zhang, "GET /api/theme/lineage?dataset="+sums, "", &g)
		stale := 0
		for _, one := range g.Edges {
			if one.Stale && one.Number == 1 {
				stale++
			}
		}
		if stale != 1 {
			t.Errorf("%+v", g.Edges)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "nobody else's", As: builder("li", "u2"), Call: "GET /api/theme/lineage?dataset=" + sums, Status: 404},
			{Name: "no such column", As: zhang, Call: "GET /api/theme/lineage?dataset=" + sums + "&column=xx", Status: 422},
			{Name: "which there are", As: zhang, Call: "GET /api/theme/datasets", Status: 200, Want: []string{"by_street", `"made":true`}},
			{Name: "and not others'", As: builder("li", "u2"), Call: "GET /api/theme/datasets", Status: 200, Want: []string{`"items":[]`}},
			{Name: "a question", As: zhang, Call: "POST /api/theme/trace", Body: `{"sql":"SELECT jd, max(lr) AS zd FROM by_street GROUP BY jd"}`, Status: 200, Want: []string{`"kind":"answer"`, "人口2.csv", `"name":"zd","how":"aggregate"`}},
			{Name: "a question about others' data", As: builder("li", "u2"), Call: "POST /api/theme/trace", Body: `{"sql":"SELECT jd FROM by_street"}`, Status: 422, Not: []string{"分街道人口"}},
		})
	})
}

// What a reader may not read he is told of as being there, with its unit, and nothing else.
func TestLineageHides(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish(dataset.Dataset{}, "population", "u1", people(30))
		zhang, li := builder("zhang", "u1"), builder("li", "u2")
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "nl"}, Modes: []dataset.Mode{dataset.Batch}})
		l := e.release(li, e.draft(li, "granted", step{"name": "ages", "title": "年龄结构", "sql": "SELECT nl, count(*) AS n FROM population GROUP BY nl"}))
		r := e.whole(li, l.ID)
		if r.State != "done" {
			t.Fatalf("%+v", r)
		}
		var g graph
		e.Get(t, zhang, "GET /api/theme/lineage?dataset="+ds.ID, "", &g)
		if got, want := g.line(), "0 file 人口1.csv; 1 dataset 人口u1; 2 step hidden; 3 dataset hidden 单位u2"; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		status, all := e.Call(t, kerneltest.Case{As: zhang, Call: "GET /api/theme/lineage?dataset=" + ds.ID})
		for _, shut := range []string{"年龄结构", "ages", r.Results[0].Dataset, "SELECT", "granted"} {
			if status != 200 || strings.Contains(all, shut) {
				t.Errorf("%d, tells %s: %s", status, shut, all)
			}
		}
		// The one who made it sees through his grant; a colleague of a third unit nothing at all.
		e.Get(t, li, "GET /api/theme/lineage?dataset="+r.Results[0].Dataset, "", &g)
		if got, want := g.line(), "0 file 人口1.csv; 1 dataset 人口u1; 2 step 年龄结构; 3 dataset 年龄结构"; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		e.grant(dataset.Dataset{ID: r.Results[0].Dataset, Columns: []dataset.Column{{Name: "n"}}}, dataset.Grant{Unit: "u3", Columns: []string{"n"}, Modes: []dataset.Mode{dataset.Look}})
		e.Get(t, builder("wang", "u3"), "GET /api/theme/lineage?dataset="+r.Results[0].Dataset, "", &g)
		if got, want := g.line(), "0 dataset hidden 单位u1; 1 step 年龄结构; 2 dataset 年龄结构"; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		if status, all := e.Call(t, kerneltest.Case{As: builder("wang", "u3"), Call: "GET /api/theme/lineage?dataset=" + r.Results[0].Dataset}); status != 200 || strings.Contains(all, `"nl"`) {
			t.Error("tells of a column that is not granted:", status, all)
		}
		for _, n := range g.Nodes {
			for _, link := range n.Links {
				for _, from := range link.From {
					if from.Column != "" || n.SQL != "" {
						t.Errorf("%+v", n)
					}
				}
			}
		}
	})
}

func TestStrangers(t *testing.T) {
	each(t, func(e env) { e.Strangers(t) })
}

var _ warehouse.Maker = (*gate)(nil)
