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
	markNoCase    = "no_case"   // no case was named that runs and concerns who looks
	markSelf      = "self"      // the record is, by identity or mobile number, the person's own
	markHousehold = "household" // it is of a relative he declared, or of one who is of a household with him or a relative
	markColleague = "colleague" // it is of somebody of the same body
)

// ofRecord are the marks that say something of the record itself. They are for who reviews: to who looked they would tell
// whose masked record it is.
var ofRecord = []string{markSelf, markHousehold, markColleague}

// grave reports whether reviewers are told of a look at once.
func grave(marks []string) bool {
	return slices.ContainsFunc(marks, func(m string) bool { return slices.Contains(ofRecord, m) })
}

// ownMarks are the marks of a look that who looked may read himself.
func ownMarks(marks []string) []string {
	return slices.DeleteFunc(slices.Clone(marks), func(m string) bool { return slices.Contains(ofRecord, m) })
}

// detector finds what is to be noticed about looks, single ones and lists.
type detector struct {
	*Lookup
	kin     []kin // what who looks has declared
	numbers []string
}

func (l *Lookup) detector(ctx context.Context, person string) (*detector, error) {
	all, err := l.kinOf(ctx, l.db, person)
	return &detector{l, all, numbersOf(all)}, err
}

// related finds whose records a look has shown: the person's own, of his household, of colleagues. It goes by the mobile
// and identity numbers in the records, by what people declared, and by the datasets that say who lives with whom.
func (l *Lookup) related(ctx context.Context, k *Look, ds dataset.Dataset, rows [][]any) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	d, err := l.detector(ctx, k.Person)
	if err != nil {
		return nil, err
	}
	k.moved = slices.ContainsFunc(d.kin, func(one kin) bool { return one.home != k.Home })
	marks, err := l.byMobile(ctx, *k, ds, rows)
	if err != nil {
		return nil, err
	}
	var numbers []string
	for i, c := range ds.Columns {
		for _, row := range rows {
			if isNumber(c.Kind) && row[i] != nil {
				numbers = append(numbers, whole(warehouse.Format(row[i])))
			}
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	more, err := d.byNumber(ctx, *k, numbers)
	if err != nil {
		return nil, err
	}
	if marks = append(marks, more...); !slices.Contains(marks, markHousehold) {
		home, err := d.sharesHome(ctx, ds, rows, numbers)
		if err != nil {
			return nil, err
		}
		if home {
			marks = append(marks, markHousehold)
		}
	}
	slices.Sort(marks)
	return slices.Compact(marks), nil
}

// byMobile goes by the mobile numbers of the district's people.
func (l *Lookup) byMobile(ctx context.Context, k Look, ds dataset.Dataset, rows [][]any) (marks []string, err error) {
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
				case s.Unit != "" && (s.Unit == k.Unit || s.Unit == k.Home), s.Home != "" && s.Home == k.Home:
					marks = append(marks, markColleague)
				}
			}
		}
	}
	return marks, nil
}

// byNumber goes by the identity numbers people declared as their own, or as a relative's.
func (d *detector) byNumber(ctx context.Context, k Look, numbers []string) (marks []string, err error) {
	var indexes []string
	for _, n := range numbers {
		indexes = append(indexes, d.ring.Indexes(kinName, n)...)
	}
	since := store.At(d.now().AddDate(0, 0, -counting))
	found, err := allKin(ctx, d.db, store.And(store.In("key_index", indexes), store.C("ended_at = 0 OR ended_at > $1", since)))
	for _, f := range found {
		switch {
		case f.person == k.Person && f.relation == relSelf:
			marks = append(marks, markSelf)
		case f.person == k.Person:
			marks = append(marks, markHousehold)
		case f.relation == relSelf && f.home != "" && f.home == k.Home:
			marks = append(marks, markColleague)
		}
	}
	return marks, err
}

// sharesHome reports whether one of the records is of a person who is of one household with who looks, or with a relative he
// declared. Without a declaration nothing is known of him.
func (d *detector) sharesHome(ctx context.Context, ds dataset.Dataset, rows [][]any, numbers []string) (bool, error) {
	others := slices.DeleteFunc(slices.Clone(numbers), func(n string) bool { return slices.Contains(d.numbers, n) })
	if len(d.numbers) == 0 || len(rows) == 0 {
		return false, nil
	}
	registers, err := d.datasets.Households(ctx, d.db)
	if err != nil {
		return false, err
	}
	most := d.settings.Int(ctx, "lookup.household_most")
	for _, h := range registers {
		ours, err := d.datasets.Homes(ctx, h, d.numbers)
		if err != nil {
			return false, err
		}
		if len(ours) == 0 {
			continue
		}
		theirs, err := d.datasets.Homes(ctx, h, others)
		if err != nil {
			return false, err
		}
		if ds.ID == h.ID {
			theirs = append(theirs, d.homesIn(ds, h.Household, rows)...)
		}
		for _, home := range common(ours, theirs) {
			members, err := d.datasets.Members(ctx, h, home, most)
			if err != nil || len(members) > 0 {
				return err == nil, err
			}
		}
	}
	return false, nil
}

// onList is related for a list: on tells whether a number stands on it.
func (d *detector) onList(ctx context.Context, k Look, on func(number string) bool) (marks []string, err error) {
	for _, one := range d.kin {
		switch {
		case !on(one.number):
		case one.relation == relSelf:
			marks = append(marks, markSelf)
		default:
			marks = append(marks, markHousehold)
		}
	}
	mates, err := allKin(ctx, d.db, store.C("home_id = $1 AND home_id <> '' AND relation = 'self' AND ended_at = 0 AND person <> $2", k.Home, k.Person))
	if err == nil {
		err = open(d.ring, mates)
	}
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(mates, func(m kin) bool { return on(m.number) }) {
		marks = append(marks, markColleague)
	}
	family, err := d.family(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(family, on) {
		marks = append(marks, markHousehold)
	}
	slices.Sort(marks)
	return slices.Compact(marks), nil
}

// family are the numbers of those who are of a household with who looks or a relative he declared, these left out.
func (d *detector) family(ctx context.Context) ([]string, error) {
	if len(d.numbers) == 0 {
		return nil, nil
	}
	registers, err := d.datasets.Households(ctx, d.db)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, h := range registers {
		homes, err := d.datasets.Homes(ctx, h, d.numbers)
		if err != nil {
			return nil, err
		}
		for _, home := range homes {
			members, err := d.datasets.Members(ctx, h, home, d.settings.Int(ctx, "lookup.household_most"))
			if err != nil {
				return nil, err
			}
			out = append(out, members...)
		}
	}
	return slices.DeleteFunc(out, func(n string) bool { return slices.Contains(d.numbers, whole(n)) }), nil
}

// homesIn are the households of the records themselves, of others than who looks and his relatives.
func (d *detector) homesIn(ds dataset.Dataset, column string, rows [][]any) []string {
	at := slices.IndexFunc(ds.Columns, func(c dataset.Column) bool { return c.Name == column })
	if at < 0 { // a version of before it was there
		return nil
	}
	var out []string
	for _, row := range rows {
		own := false
		for i, c := range ds.Columns {
			own = own || isNumber(c.Kind) && slices.Contains(d.numbers, whole(warehouse.Format(row[i])))
		}
		if home := warehouse.Format(row[at]); home != "" && !own {
			out = append(out, home)
		}
	}
	return out
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
	return l.notify.Send(ctx, tx, notify.Notice{To: to, Kind: notify.Alarm, Key: "lookup.told_marked", Args: []any{k.PersonName, k.Title}, Link: "/lookup/ledger?mark=any", Object: "lookup_look", ID: k.ID})
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
func (l *Lookup) detect(ctx context.Context, q store.Queryer, k Look, more []string) ([]string, error) {
	out := []string{}
	if !hours(ctx, l.settings).working(k.At.Time) {
		out = append(out, markOff)
	}
	concerns, err := l.flow.Concerns(ctx, q, k.Matter, k.Person, k.Unit, k.Home)
	if !concerns {
		out = append(out, markNoCase)
	}
	return append(out, more...), err
}
