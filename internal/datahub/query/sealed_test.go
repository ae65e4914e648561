package query_test

import (
	"fmt"
	"testing"

	"qushu/internal/base/secret"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

func why(text string) string { return fmt.Sprintf(`{"sql":%q,"purpose":"核对补贴名单"}`, text) }

func purposed(t *testing.T, e *kerneltest.Env, as *room.Actor, text string) (a answer) {
	t.Helper()
	e.Get(t, as, "POST /api/query/run", why(text), &a)
	return a
}

// Whoever may reveal identifiers asks by whole values, joins, groups and counts; what would have to see them is refused by
// name, and says what to do instead.
func TestSealed(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		people(t, e)
		publish(t, e, "aid", "补贴名单", "u1", columns[:1], feed([][]any{{"420199198506150007"}, {"420199198506150008"}, {"x"}}))
		zhang := kerneltest.Actor("zhang", "u1", room.Unit, "query.use", "query.sql", "query.reveal")
		const who = "420199198506150007"
		for _, c := range []struct{ sql, want string }{
			{"SELECT xm, sfzh FROM population WHERE sfzh = '" + who + "'", "[[王7 " + who + "]]"},
			{"SELECT count(*) FROM population WHERE sfzh IN ('" + who + "', '420199198506150009')", "[[2]]"},
			{"SELECT p.xm FROM population p JOIN aid a ON a.sfzh = p.sfzh ORDER BY 1", "[[王7] [王8]]"},
			{"SELECT count(DISTINCT sfzh) FROM population", "[[600]]"},
			{"SELECT sfzh, count(*) FROM aid GROUP BY sfzh HAVING sfzh <> 'x' AND sfzh <> '" + who + "'", "[[420199198506150008 1]]"},
			{"SELECT sfzh FROM aid EXCEPT SELECT sfzh FROM population", "[[x]]"},
		} {
			if a := purposed(t, e, zhang, c.sql); fmt.Sprint(a.Rows) != c.want || !a.Personal {
				t.Errorf("%s: %+v", c.sql, a)
			}
		}
		refused := func(name, text string, want ...string) kerneltest.Case {
			return kerneltest.Case{Name: name, As: zhang, Call: "POST /api/query/run", Body: why(text), Status: 422, Want: append(want, "身份证号", "加密保存")}
		}
		e.Run(t, []kerneltest.Case{
			refused("a part of it", "SELECT xm FROM population WHERE sfzh LIKE '420199%'", "LIKE", "第 1 行第", "出生日期"),
			refused("a function", "SELECT substr(sfzh, 7, 8) FROM population", "substr"),
			refused("an order", "SELECT sfzh FROM population ORDER BY sfzh", "ORDER BY"),
			refused("something worked out", "SELECT xm FROM population WHERE sfzh = concat('4', xm)"),
			{Name: "a form asks for equality", As: zhang, Call: "POST /api/query/build", Body: `{"build":{"dataset":"population","where":[{"column":"sfzh","op":"eq","values":["` + who + `"]}],"columns":["xm","sfzh"]},"purpose":"核对补贴名单"}`, Status: 200, Want: []string{who, "王7"}},
			{Name: "and for no less", As: zhang, Call: "POST /api/query/build", Body: `{"build":{"dataset":"population","where":[{"column":"sfzh","op":"prefix","values":["4201"]}],"columns":["xm"]},"purpose":"核对补贴名单"}`, Status: 422, Want: []string{"身份证号", "加密保存"}},
			{Name: "a parameter is sealed", As: zhang, Call: "POST /api/query/run", Body: `{"sql":"SELECT xm FROM population WHERE sfzh = $who","params":[{"name":"who","title":"号","kind":"text","value":"` + who + `"}],"purpose":"核对补贴名单"}`, Status: 200, Want: []string{"王7"}},
		})
		if _, err := e.Kit.Ring.Rotate(secret.Identifier); err != nil {
			t.Fatal(err)
		}
		publish(t, e, "late", "新名单", "u1", columns[:1], feed([][]any{{who}}))
		e.Run(t, []kerneltest.Case{{Name: "two keys meet nowhere, and say so", As: zhang, Call: "POST /api/query/run", Body: why("SELECT count(*) FROM population p JOIN late l USING (sfzh)"), Status: 422, Want: []string{"密钥", "换密"}}})
		if a := purposed(t, e, zhang, "SELECT (SELECT xm FROM population WHERE sfzh = '"+who+"'), (SELECT count(*) FROM late WHERE sfzh = '"+who+"')"); fmt.Sprint(a.Rows) != "[[王7 1]]" {
			t.Error("each is asked under its own key:", a.Rows)
		}
	})
}
