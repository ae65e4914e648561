package query_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
)

// dashboards are the questions of a dashboard, in SQL both engines read.
var dashboards = []string{
	`SELECT sq, count(*) AS n, sum(je) AS total FROM persons GROUP BY sq ORDER BY n DESC, sq`,
	`SELECT hy, count(*) AS n, avg(nl) AS age FROM persons GROUP BY hy ORDER BY hy`,
	`SELECT jd, hy, count(*) AS n FROM persons WHERE nl >= 60 GROUP BY jd, hy ORDER BY jd, hy`,
	`SELECT CAST(date_trunc('month', rq) AS DATE) AS m, count(*) AS n, sum(je) AS total FROM persons GROUP BY 1 ORDER BY 1`,
}

func dashboardRow(i int) []any {
	return []any{fmt.Sprintf("社区%03d", i%327), fmt.Sprintf("街道%02d", i%17), []string{"未婚", "已婚", "离婚", "丧偶"}[i*7%4], int64(i * 31 % 100),
		warehouse.Decimal(fmt.Sprintf("%d.50", i%5000)), warehouse.Date(fmt.Sprintf("20%02d-%02d-%02d", 10+i%14, i%12+1, i%28+1))}
}

// TestDashboardsBesidePostgres measures questions of a dashboard through the whole room (right, slot, history and audit on disk)
// beside the same SQL on PostgreSQL in the same run, both warm. It runs where QUSHU_BENCH_ROWS says how many rows, under
// scripts/with-postgres; it asserts equal answers, and leaves the figures to who reads them.
func TestDashboardsBesidePostgres(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("QUSHU_BENCH_ROWS"))
	if n == 0 || !slices.Contains(storetest.Engines(), store.Postgres) {
		t.Skip("set QUSHU_BENCH_ROWS and run under scripts/with-postgres")
	}
	e := houses.Start(t, store.Postgres)
	cols := []dataset.Column{{Name: "sq", Title: "社区", Type: text, Level: dataset.L2}, {Name: "jd", Title: "街道", Type: text, Level: dataset.L2}, {Name: "hy", Title: "婚姻", Type: text, Level: dataset.L2},
		{Name: "nl", Title: "年龄", Type: whole, Level: dataset.L2}, {Name: "je", Title: "金额", Type: warehouse.DecimalType(18, 2), Level: dataset.L2}, {Name: "rq", Title: "登记日期", Type: day, Level: dataset.L2}}
	publish(t, e, "persons", "人口", "u1", cols, func(yield func(warehouse.Row, error) bool) {
		for i := range n {
			if !yield(warehouse.Row{Values: dashboardRow(i)}, nil) {
				return
			}
		}
	})
	pg := e.Kit.DB.Pool()
	if _, err := pg.Exec(t.Context(), `CREATE TABLE persons (sq text, jd text, hy text, nl bigint, je numeric(18,2), rq date)`); err != nil {
		t.Fatal(err)
	}
	i := 0
	_, err := pg.CopyFrom(t.Context(), pgx.Identifier{"persons"}, []string{"sq", "jd", "hy", "nl", "je", "rq"}, pgx.CopyFromFunc(func() ([]any, error) {
		if i == n {
			return nil, nil
		}
		r := dashboardRow(i)
		i++
		return []any{r[0], r[1], r[2], r[3], string(r[4].(warehouse.Decimal)), r[5].(warehouse.Date).Time()}, nil
	}))
	if err == nil {
		_, err = pg.Exec(t.Context(), `VACUUM ANALYZE persons`)
	}
	if err != nil {
		t.Fatal(err)
	}
	zhang := analyst("zhang", "u1")
	for _, q := range dashboards {
		peer := measured(7, func() { beside(t, pg, q) })
		var ours answer
		run := 0
		cold := measured(7, func() { // another text each time, so that no kept answer helps
			run++
			ours = ask(t, e, zhang, fmt.Sprintf("%s LIMIT %d", q, 40_000+run))
		})
		kept := measured(7, func() { ours = ask(t, e, zhang, q) })
		if got := beside(t, pg, q); got != len(ours.Rows) {
			t.Errorf("%s: %d rows, PostgreSQL has %d", q, len(ours.Rows), got)
		}
		fmt.Printf("bench query: %d rows: PostgreSQL %v, worked out %v (%.1f ×), asked again %v (%.0f ×): %s\n", n, peer, cold, float64(peer)/float64(cold), kept, float64(peer)/float64(kept), q)
	}
}

func beside(t *testing.T, pg interface {
	Query(ctx context.Context, q string, args ...any) (pgx.Rows, error)
}, q string) (n int) {
	rows, err := pg.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := rows.Values(); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// measured is the median of some runs after a first that is not counted.
func measured(n int, fn func()) time.Duration {
	fn()
	took := make([]time.Duration, n)
	for i := range took {
		at := time.Now()
		fn()
		took[i] = time.Since(at)
	}
	slices.Sort(took)
	return took[n/2].Round(10 * time.Microsecond)
}
