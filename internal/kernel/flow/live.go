package flow

import (
	"context"
	"fmt"
	"iter"
	"math/big"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Live is what was done of cases (办件统计) as a dataset: by month, matter and unit in charge, from the sums the statistics
// are kept in, of the unit that took it up and all below it. It counts; it names nobody.
func (f *Flow) Live() dataset.Live {
	text, number := warehouse.Type{Kind: warehouse.KindText}, warehouse.Type{Kind: warehouse.KindInteger}
	return dataset.Live{Name: "case_statistics", Title: "办件统计", Room: "flow", Perm: "flow.supervise",
		Summary: "按月份、事项和承办单位统计的办结件数、超期件数、退回件数和平均用时，不含个人信息，随办件即时更新。",
		Columns: []dataset.Column{
			{Name: "month", Title: "月份", Type: text, Key: true, Level: dataset.L2},
			{Name: "kind", Title: "事项代码", Type: text, Key: true, Level: dataset.L2},
			{Name: "matter", Title: "事项名称", Type: text, Level: dataset.L2},
			{Name: "unit", Title: "承办单位", Type: text, Key: true, Level: dataset.L2},
			{Name: "done", Title: "办结件数", Type: number, Level: dataset.L2},
			{Name: "late", Title: "超期件数", Type: number, Level: dataset.L2},
			{Name: "returned", Title: "退回件数", Type: number, Level: dataset.L2},
			{Name: "hours", Title: "平均用时（小时）", Type: warehouse.DecimalType(12, 1), Level: dataset.L2},
		},
		Rows: f.liveRows}
}

func (f *Flow) liveRows(ctx context.Context, q store.Queryer, w dataset.Wanted) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		where := store.And(store.C("s.dim = 'case'"), w.Texts("kind", "s.kind"), authz.WhereCols(ctx, "flow.supervise", authz.Cols{Unit: "s.unit_id", Street: "s.street"}).Cond())
		type row struct {
			month                   int64
			kind, matter, unit      string
			n, late, returned, took int64
		}
		all, err := store.All(ctx, q, func(r *row) []any {
			return []any{&r.month, &r.kind, &r.unit, &r.n, &r.late, &r.returned, &r.took, &r.matter}
		}, `WITH s AS (SELECT month, kind, unit_id, street, dim, n, late, returned, took FROM flow_sum UNION ALL SELECT month, kind, unit_id, street, dim, n, late, returned, took FROM flow_tally)
			SELECT s.month, s.kind, s.unit_id, CAST(sum(s.n) AS BIGINT), CAST(sum(s.late) AS BIGINT), CAST(sum(s.returned) AS BIGINT), CAST(sum(s.took) AS BIGINT),
				coalesce((SELECT d.title FROM flow_def d WHERE d.kind = s.kind ORDER BY d.number DESC LIMIT 1), '')
			FROM s WHERE `+where.SQL+` GROUP BY s.month, s.kind, s.unit_id HAVING sum(s.n) > 0 ORDER BY s.month, s.kind, s.unit_id`, where.Args...)
		if err != nil {
			yield(nil, err)
			return
		}
		ids := make([]string, len(all))
		for i, r := range all {
			ids[i] = r.unit
		}
		names, err := f.org.UnitNames(ctx, q, ids)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, r := range all {
			hours := warehouse.Decimal(new(big.Rat).SetFrac64(r.took, r.n*3600).FloatString(1))
			if !yield([]any{fmt.Sprintf("%d-%02d", r.month/100, r.month%100), r.kind, r.matter, names[r.unit], r.n, r.late, r.returned, hours}, nil) {
				return
			}
		}
	}
}
