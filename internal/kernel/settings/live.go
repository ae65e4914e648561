package settings

import (
	"context"
	"iter"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/when"
	"qushu/internal/kernel/dataset"
)

// Live is the calendar of workdays (工作日历) as a dataset: every day of the years whose notice is known.
func (s *Settings) Live() dataset.Live {
	kind := func(k warehouse.Kind) warehouse.Type { return warehouse.Type{Kind: k} }
	return dataset.Live{Name: "workdays", Title: "工作日历", Room: "settings",
		Summary: "国务院办公厅放假通知已公布的年份中每一天是否上班、节假日和调休名称。",
		Columns: []dataset.Column{
			{Name: "day", Title: "日期", Type: kind(warehouse.KindDate), Key: true, Level: dataset.L1},
			{Name: "workday", Title: "是否工作日", Type: kind(warehouse.KindBoolean), Level: dataset.L1},
			{Name: "name", Title: "节假日或调休名称", Type: kind(warehouse.KindText), Level: dataset.L1},
			{Name: "weekday", Title: "星期", Type: kind(warehouse.KindInteger), Level: dataset.L1},
		},
		Rows: func(ctx context.Context, q store.Queryer, w dataset.Wanted) iter.Seq2[[]any, error] {
			return func(yield func([]any, error) bool) {
				days, err := s.DaysIn(ctx, q)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, year := range days.Years() {
					for t := time.Date(year, 1, 1, 0, 0, 0, 0, when.Zone); t.Year() == year; t = t.AddDate(0, 0, 1) {
						if !yield([]any{warehouse.DateOf(t), days.IsWorkday(t), days.Name(t), int(t.Weekday()+6)%7 + 1}, nil) {
							return
						}
					}
				}
			}
		}}
}
