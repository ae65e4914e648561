package library_test

import (
	"testing"

	"qushu/internal/kernel/kerneltest"
)

// A dataset is found by who may open it, and no longer than it stands.
func TestFound(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		ld := e.gather(zhang, "aa.csv", "编号,姓名\n1,张三\n", "", func(m map[string]any) { m["title"], m["name"] = "低保对象名册", "dibao" })
		const call = "GET /api/find?text=dbdx"
		e.Run(e.t, []kerneltest.Case{
			{Name: "its unit", As: zhang, Call: call, Status: 200, Want: []string{"低保对象名册", "/library/datasets/" + ld.MadeDataset}},
			{Name: "another unit", As: officer("wang", "u2"), Call: call, Status: 200, Want: []string{`"groups":[]`}},
			{Name: "goes", As: zhang, Call: "DELETE /api/library/datasets/" + ld.MadeDataset + "?version=1", Status: 204},
			{Name: "is gone", As: zhang, Call: call, Status: 200, Want: []string{`"groups":[]`}},
		})
	})
}
