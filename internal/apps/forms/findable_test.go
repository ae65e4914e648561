package forms

import (
	"testing"

	"qushu/internal/kernel/kerneltest"
)

// A case is found by who takes part in it or may read it, by nobody else.
func TestFound(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		l := filed(t, e, w.who["grid"], "dispute", quarrel)
		const call = "GET /api/find?kinds=flow_case&text=%E6%A5%BC%E9%81%93%E5%A0%86%E7%89%A9"
		e.Run(t, []kerneltest.Case{
			{Name: "who filed it", As: w.who["grid"], Call: call, Status: 200, Want: []string{l.Case}},
			{Name: "who has to act", As: w.who["centre"], Call: call, Status: 200, Want: []string{l.Case}},
			{Name: "a stranger", As: w.who["canteen_manager"], Call: call, Status: 200, Want: []string{`"groups":[]`}},
		})
	})
}
