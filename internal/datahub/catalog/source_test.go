package catalog

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
)

// fakeSources is one folder of the town with files, of which one cannot be read.
type fakeSources struct{}

var folder = struct {
	sync.Mutex
	unit      string
	collected map[string]string
}{}

func (fakeSources) List(ctx context.Context, q store.Queryer) ([]Source, error) {
	folder.Lock()
	defer folder.Unlock()
	if folder.unit == "" || authz.MayUnit(ctx, q, "library.load", folder.unit) != nil {
		return nil, nil
	}
	return []Source{{ID: "s1", Name: "人社局前置机", Kind: "folder", Unit: folder.unit}}, nil
}

func (fakeSources) Collected(context.Context, store.Queryer, string) (map[string]string, error) {
	folder.Lock()
	defer folder.Unlock()
	return folder.collected, nil
}

func (f fakeSources) Open(context.Context, string) (Looker, error) { return f, nil }

func (fakeSources) Objects(context.Context, int) ([]Object, error) {
	var out []Object
	for n := range 12 {
		out = append(out, Object{fmt.Sprintf("登记/单位%02d.csv", n), fmt.Sprintf("单位登记表%02d", n)})
	}
	return append(out, Object{"登记/坏.xlsx", "坏表"}), nil
}

func (fakeSources) Look(_ context.Context, object string) ([]dataset.Column, error) {
	if object == "登记/坏.xlsx" {
		return nil, errs.New(errs.Invalid, "source.unreachable", "坏.xlsx", "x")
	}
	return firms, nil
}

func (fakeSources) Close() error { return nil }

// A whole folder becomes drafts in one command, once; what is collected later is mounted with the others that are ready.
func TestDraftedFromSource(t *testing.T) {
	each(t, func(w *town) {
		folder.Lock()
		folder.unit, folder.collected = w.units["人社局"], nil
		folder.Unlock()
		officer := *w.who["编目人社局"]
		officer.Grants["library.load"] = officer.Grants["catalog.edit"]
		body := `{"class":"3","item":"01","subject":"001","detail":"420111","cycle":"monthly","contact":"信息科","phone":"027-87670001","source":"s1"}`
		w.Run(t, []kerneltest.Case{
			{Name: "who collects sees it", As: w.who["编目人社局"], Call: "GET /api/catalog/sources", Status: 200, Want: []string{"人社局前置机"}},
			{Name: "others do not", As: w.who["编目民政局"], Call: "GET /api/catalog/sources", Status: 200, Want: []string{`"items":[]`}},
			{Name: "nor draft from it", As: w.who["编目民政局"], Call: "POST /api/catalog/drafts", Body: body, Status: 404},
		})
		var run RunBody
		w.Get(t, w.who["编目人社局"], "POST /api/catalog/drafts", body, &run)
		run = w.ran("编目人社局", run.ID)
		if run.Made != 12 || run.Skipped != 1 || len(run.Remarks) != 1 || run.Remarks[0].Title != "登记/坏.xlsx" || run.Title != "人社局前置机" {
			t.Fatalf("%+v", run)
		}
		w.Run(t, []kerneltest.Case{{Name: "a draft with its items", As: w.who["编目人社局"], Call: "GET /api/catalog/entries?view=work&text=单位登记表03", Status: 200, Want: []string{"单位登记表03", `"itemCount":2`, `"mount":"none"`}}})
		w.Get(t, w.who["编目人社局"], "POST /api/catalog/drafts", body, &run)
		if run = w.ran("编目人社局", run.ID); run.Made != 0 || run.Total != 1 {
			t.Fatalf("drafted twice: %+v", run)
		}
		var all struct{ Items []EntryBody }
		w.Get(t, w.who["编目人社局"], "GET /api/catalog/entries?view=work&text=单位登记表03", "", &all)
		e := w.show("编目人社局", all.Items[0].ID)
		if e.Body.Format != "sheet" || e.Body.Sub != "csv" || len(e.Mounts) != 1 || e.Mounts[0].Kind != "source" || e.Mounts[0].State != drafted {
			t.Fatalf("%+v %+v", e.Body, e.Mounts)
		}
		e = w.publish(e)
		ready := func(n int) {
			t.Helper()
			w.Run(t, []kerneltest.Case{{Name: "ready", As: w.who["中心"], Call: "POST /api/catalog/mount-ready", Status: 200, Want: []string{fmt.Sprintf(`"mounted":%d`, n), `"left":[]`}}})
		}
		ready(0) // not collected yet, and nothing to be told
		ds := w.gather("units03", "单位登记表03", "人社局", firms, []any{"A1", "制造"})
		folder.Lock()
		folder.collected = map[string]string{"登记/单位03.csv": ds.ID}
		folder.Unlock()
		ready(1)
		if e = w.show("编目人社局", e.ID); len(e.Mounts) != 1 || e.Mounts[0].Kind != byTable || e.Mounts[0].State != mounted || e.Rows != 1 {
			t.Fatalf("%+v", e.Mounts)
		}
	})
}
