package audit_test

import (
	"context"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// A record keeps the id of a unit; the reader sees its name where somebody knows it.
func TestUnitNames(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Kit.Audit.KnowUnits(func(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
			return map[string]string{"u1": "狮子山街道办事处"}, nil
		})
		acts(t, e, kerneltest.Actor("zhang", "u1", room.Unit), audit.Entry{Action: "audit.export", Object: "audit"})
		acts(t, e, kerneltest.Actor("li", "u2", room.Unit), audit.Entry{Action: "audit.export", Object: "audit"})
		auditor := e.Administrator(room.Auditor)
		for person, want := range map[string]string{"zhang": "狮子山街道办事处", "li": ""} {
			var page store.Listed[audit.Item]
			e.Get(t, auditor, "GET /api/audit?person="+person, "", &page)
			if len(page.Items) != 1 || page.Items[0].UnitName != want {
				t.Fatalf("%s: %+v", person, page.Items)
			}
			var one audit.Full
			e.Get(t, auditor, "GET /api/audit/"+page.Items[0].ID, "", &one)
			if one.UnitName != want {
				t.Errorf("%s: detail says %q", person, one.UnitName)
			}
		}
	})
}
