package desk_test

import (
	"testing"

	"qushu/internal/kernel/kerneltest"
)

// A notice is found by whom it is addressed to until it is withdrawn.
func TestFound(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		n := say(t, e, ofAll, `{"title":"防汛值班安排","body":"汛期值守","units":["h"]}`)
		const call = "GET /api/find?text=fxzb"
		e.Run(t, []kerneltest.Case{
			{Name: "addressed", As: wang, Call: call, Status: 200, Want: []string{"防汛值班安排", "/desk/notices/" + n}},
			{Name: "by the text", As: wang, Call: "GET /api/find?text=%E5%80%BC%E5%AE%88", Status: 200, Want: []string{n}},
			{Name: "another unit", As: zhang, Call: call, Status: 200, Want: []string{`"groups":[]`}},
			{Name: "withdrawn", As: ofAll, Call: "POST /api/desk/notices/" + n + "/withdraw", Body: `{"version":1,"reason":"内容有误"}`, Status: 200},
			{Name: "no longer", As: wang, Call: call, Status: 200, Want: []string{`"groups":[]`}},
		})
	})
}
