package org

import (
	"context"
	"iter"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Live is the directory of units (单位机构目录) as a dataset: what stands today, of the unit that took it up and all below it.
// It holds nothing of people.
func (o *Org) Live(words *errs.Catalog) dataset.Live {
	text, day := warehouse.Type{Kind: warehouse.KindText}, warehouse.Type{Kind: warehouse.KindDate}
	return dataset.Live{Name: "org_units", Title: "单位机构目录", Room: "org", Perm: "org.read",
		Summary: "全区各级单位、街道社区和内设机构的名称、代码、类型和隶属关系，随机构调整即时更新。",
		Columns: []dataset.Column{
			{Name: "name", Title: "单位名称", Type: text, Key: true, Level: dataset.L1},
			{Name: "code", Title: "机构代码", Type: text, Key: true, Level: dataset.L1},
			{Name: "short", Title: "简称", Type: text, Level: dataset.L1},
			{Name: "kind", Title: "单位类型", Type: text, Level: dataset.L1},
			{Name: "parent", Title: "上级单位", Type: text, Level: dataset.L1},
			{Name: "street", Title: "所在街道代码", Type: text, Level: dataset.L1},
			{Name: "since", Title: "成立日期", Type: day, Level: dataset.L1},
		},
		Rows: func(ctx context.Context, q store.Queryer, w dataset.Wanted) iter.Seq2[[]any, error] {
			return func(yield func([]any, error) bool) {
				where := store.And(store.C("u.closed_at = 0"), w.Texts("code", "u.code"),
					authz.WhereCols(ctx, "org.read", authz.Cols{Unit: "u.id", Street: "u.street", Sections: true}).Cond())
				type row struct {
					Unit
					above string
				}
				all, err := store.All(ctx, q, func(r *row) []any { return []any{&r.Name, &r.Code, &r.Short, &r.Kind, &r.above, &r.Street, &r.Since} },
					`SELECT u.name, u.code, u.short, u.kind, coalesce(p.name, ''), u.street, u.since FROM org_unit u LEFT JOIN org_unit p ON p.id = u.parent WHERE `+where.SQL+` ORDER BY u.path, u.id`, where.Args...)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, r := range all {
					if !yield([]any{r.Name, r.Code, r.Short, words.Text("zh", "org.kind_"+string(r.Kind)), r.above, r.Street, r.Since.Time}, nil) {
						return
					}
				}
			}
		}}
}
