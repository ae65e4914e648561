package search_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"qushu/internal/base/search"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
)

var tpl = &storetest.Templates{Migrate: search.Migrate}

func TestFind(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		x := search.New(db)
		put := func(es ...search.Entry) {
			t.Helper()
			if err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for i, e := range es {
					e.Room, e.Object, e.At = "org", "org", store.At(time.UnixMicro(int64(1000-i)))
					if err := x.Put(ctx, tx, e); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		put(search.Entry{ID: "hs", Title: "洪山区大数据中心", Extra: "区级部门", Text: "负责政务云 Government Cloud", Access: []string{"all"}},
			search.Entry{ID: "szs", Title: "狮子山街道办事处", Text: "武汉市长江大桥", Access: []string{"all"}},
			search.Entry{ID: "secret", Title: "洪山区机要件", Access: []string{"unit:u1", "person:p9"}},
			search.Entry{ID: "zhang", Title: "张欧阳𠮷", Access: []string{"all"}, Weight: 3},
			search.Entry{ID: "nobody", Title: "洪山无人可见"})
		for _, c := range []struct {
			text   string
			access []string
			want   []string
		}{
			{"洪山", []string{"all"}, []string{"hs"}},
			{"洪山", []string{"all", "unit:u1"}, []string{"hs", "secret"}},
			{"洪山", []string{"person:p9"}, []string{"secret"}},
			{"大数据", []string{"all"}, []string{"hs"}},
			{"数据中心", []string{"all"}, []string{"hs"}},
			{"数中", []string{"all"}, nil},
			{"山", []string{"all"}, []string{"hs", "szs"}},
			{"心", []string{"all"}, []string{"hs"}},
			{"长江", []string{"all"}, []string{"szs"}},
			{"中心区级", []string{"all"}, nil}, // a phrase does not run over from title to text
			{"hsq", []string{"all"}, []string{"hs"}},
			{"dsj", []string{"all"}, []string{"hs"}},
			{"hongshan", []string{"all"}, []string{"hs"}},
			{"shizishanjie", []string{"all"}, []string{"szs"}},
			{"govern CLOUD", []string{"all"}, []string{"hs"}},
			{"ＧＯＶ", []string{"all"}, []string{"hs"}},
			{"洪山 cloud", []string{"all"}, []string{"hs"}},
			{"欧阳", []string{"all"}, []string{"zhang"}},
			{`" OR 1=1 --`, []string{"all"}, nil},
			{"terms : a*", []string{"all"}, nil},
			{"' & | ! <-> :*", []string{"all"}, nil},
			{"", []string{"all"}, nil},
			{"洪山", nil, nil},
		} {
			hits, err := x.Find(t.Context(), search.Query{Text: c.text, Access: c.access})
			if err != nil {
				t.Fatalf("%q: %v", c.text, err)
			}
			var got []string
			for _, h := range hits {
				got = append(got, h.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q as %v: %v, want %v", c.text, c.access, got, c.want)
			}
		}
		put(search.Entry{ID: "hs", Title: "改了名字", Access: []string{"all"}})
		if hits, _ := x.Find(t.Context(), search.Query{Text: "大数据", Access: []string{"all"}}); len(hits) != 0 {
			t.Error("the old name is still found")
		}
		if err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return x.Delete(ctx, tx, "org", "org", "hs") }); err != nil {
			t.Fatal(err)
		}
		if hits, _ := x.Find(t.Context(), search.Query{Text: "名字", Access: []string{"all"}}); len(hits) != 0 {
			t.Error("a deleted entry is found")
		}
	})
}
