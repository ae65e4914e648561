package lookup

import (
	"context"
	"slices"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/when"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
)

// The marks a detector leaves on a look. They accuse nobody: they say where a reader of the ledger should look twice.
const (
	markOff       = "off_hours" // outside the hours of work, or on a day off
	markNoCase    = "no_case"   // no running case was named
	markSelf      = "self"      // the record is, by name and mobile number, the person's own
	markColleague = "colleague" // the record is, by mobile number, of somebody of the same unit
)

// grave reports whether reviewers are told of a look at once.
func grave(marks []string) bool {
	return slices.Contains(marks, markSelf) || slices.Contains(marks, markColleague)
}

// related finds whose records a look has shown, as far as a mobile number in them tells: the person's own, or of people
// of his unit.
func (l *Lookup) related(ctx context.Context, k Look, ds dataset.Dataset, rows [][]any) (marks []string, err error) {
	for i, c := range ds.Columns {
		if c.Kind != codes.KindMobile {
			continue
		}
		for _, row := range rows {
			number := codes.Normalise(c.Kind, warehouse.Format(row[i]))
			if number == "" {
				continue
			}
			staff, err := l.staff.ByMobile(ctx, l.db, number)
			if err != nil {
				return nil, err
			}
			for _, s := range staff {
				switch {
				case s.Person == k.Person:
					marks = append(marks, markSelf)
				case s.Unit != "" && (s.Unit == k.Unit || s.Unit == k.Home):
					marks = append(marks, markColleague)
				}
			}
		}
	}
	slices.Sort(marks)
	return slices.Compact(marks), nil
}

// warn tells the reviewers of the district of a look that ought to be explained.
func (l *Lookup) warn(ctx context.Context, tx *store.Tx, k Look) error {
	if !grave(k.Marks) {
		return nil
	}
	to, err := l.authz.RoleHolders(ctx, tx, reviewer, nil)
	if err != nil {
		return err
	}
	to = slices.DeleteFunc(to, func(p string) bool { return p == k.Person })
	return l.notify.Send(ctx, tx, notify.Notice{To: to, Kind: notify.Alarm, Key: "lookup.told_marked", Args: []any{k.PersonName, k.Title}, Link: "/lookup/ledger?marked=yes", Object: "lookup_look", ID: k.ID})
}

// reviewer is the key of the built-in role whose holders review the ledger of the whole district.
const reviewer = "reviewer"

// daytime is when people work.
type daytime struct {
	from, until int // hours of civil time
	days        *when.Calendar
}

func (d daytime) working(at time.Time) bool {
	at = at.In(when.Zone)
	if h := at.Hour(); h < d.from || h >= d.until {
		return false
	}
	return d.days.IsWorkday(at)
}

// detect returns the marks of a look; more are those found in its records.
func detect(k Look, d daytime, more []string) []string {
	var out []string
	if !d.working(k.At.Time) {
		out = append(out, markOff)
	}
	if k.Matter == "" {
		out = append(out, markNoCase)
	}
	return append(out, more...)
}
