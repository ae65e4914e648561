package org

import (
	"context"
	"strconv"
	"strings"

	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/org/internal/sheet"
)

type importIn struct {
	Name    string `query:"name" maxLength:"200" doc:"the file's name, for the words of a refusal"`
	RawBody []byte `contentType:"application/octet-stream"`
}

type importOut struct {
	Body struct {
		Rows    int  `json:"rows" doc:"rows that are good"`
		Units   int  `json:"units"`
		People  int  `json:"people"`
		Posts   int  `json:"posts"`
		Written bool `json:"written" doc:"false when only checked"`
	}
}

// readUnits reads and parses a table of units; what is wrong with single rows is in the reasons.
func (o *Org) readUnits(in *importIn) ([]*node, *importOut, *sheet.Reasons, error) {
	why := sheet.NewReasons(unitSheet())
	rows, err := sheet.Read(in.RawBody, in.Name, unitSheet(), why)
	if err != nil {
		return nil, nil, nil, err
	}
	fresh, err := parseUnits(rows, why, o.now())
	out := &importOut{}
	out.Body.Rows, out.Body.Units = len(rows), len(fresh)
	return fresh, out, why, err
}

// checkUnitFile checks a table of units as importUnits would and writes nothing.
func (o *Org) checkUnitFile(ctx context.Context, in *importIn) (*importOut, error) {
	fresh, out, why, err := o.readUnits(in)
	if err != nil {
		return nil, err
	}
	_, err = o.checkUnits(ctx, o.db, fresh, why)
	return out, err
}

// importUnits reads a table of units and writes all of it or nothing; a refusal gives reasons by row.
func (o *Org) importUnits(ctx context.Context, in *importIn) (*importOut, error) {
	fresh, out, why, err := o.readUnits(in)
	if err != nil {
		return nil, err
	}
	out.Body.Written = true
	return out, o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.import_units", Object: "org_unit", Title: in.Name, Detail: map[string]any{"units": len(fresh)}}
		placed, err := o.checkUnits(ctx, tx, fresh, why)
		if err != nil {
			return e, err
		}
		return e, o.writeUnits(ctx, tx, placed)
	})
}

// checkUnits checks the new units against those that are there and returns them, parents first.
func (o *Org) checkUnits(ctx context.Context, q store.Queryer, fresh []*node, why *sheet.Reasons) ([]*node, error) {
	have, err := units(ctx, q, store.C("u.closed_at = 0"))
	if err != nil {
		return nil, err
	}
	may, err := authz.Reach(ctx, q, "org.unit_manage")
	if err != nil {
		return nil, err
	}
	d := newDirectory(have)
	placed := plant(d, fresh, why)
	clashes(d, why)
	for _, n := range placed {
		over := n.up
		for over != nil && over.row > 0 {
			over = over.up
		}
		switch {
		case over == nil && !may.All():
			why.Add(n.row, "parent", "org.whole_only")
		case over != nil && !may.Has(over.ID, "", ""):
			why.Add(n.row, "parent", "org.import_denied", over.Name)
		case n.StreetOwn != "" && !may.All():
			why.Add(n.row, "street", "org.whole_only")
		}
	}
	return placed, why.Err("org.import_refused")
}

func (o *Org) writeUnits(ctx context.Context, tx *store.Tx, placed []*node) error {
	rows, below, spans := unitRows(placed)
	for _, part := range []struct {
		into string
		rows [][]any
	}{
		{`INSERT INTO org_unit (id, code, name, short, aliases, pinyin, initials, kind, parent, rank, path, street_own, street, since, closed_at, version) VALUES `, rows},
		{`INSERT INTO org_below (unit, below, depth, home) VALUES `, below},
		{`INSERT INTO org_unit_span (unit_id, from_at, code, name, short, kind, parent, rank, street) VALUES `, spans},
	} {
		if err := bulk(ctx, tx, part.into, part.rows); err != nil {
			return err
		}
	}
	ids := make([]string, len(placed))
	for i, n := range placed {
		ids[i] = n.ID
	}
	if err := o.find.Touch(ctx, tx, "org_unit", ids...); err != nil {
		return err
	}
	if err := o.authz.Touch(ctx, tx); err != nil {
		return err
	}
	return o.tellUnits(ctx, tx, ids...)
}

// readPeople reads and parses a table of people; what is wrong with single rows is in the reasons.
func (o *Org) readPeople(in *importIn) ([]*draft, *importOut, *sheet.Reasons, error) {
	why := sheet.NewReasons(personSheet())
	rows, err := sheet.Read(in.RawBody, in.Name, personSheet(), why)
	if err != nil {
		return nil, nil, nil, err
	}
	all, err := parsePeople(rows, why, o.now())
	out := &importOut{}
	out.Body.Rows, out.Body.Posts = len(rows), len(all)
	for _, d := range all {
		if d.post.Main {
			out.Body.People++
		}
	}
	return all, out, why, err
}

// checkPeopleFile checks a table of people as importPeople would and writes nothing.
func (o *Org) checkPeopleFile(ctx context.Context, in *importIn) (*importOut, error) {
	all, out, why, err := o.readPeople(in)
	if err != nil {
		return nil, err
	}
	_, err = o.checkPeople(ctx, o.db, all, why)
	return out, err
}

// importPeople reads a table of people and writes all of it or nothing. They get no account here.
func (o *Org) importPeople(ctx context.Context, in *importIn) (*importOut, error) {
	all, out, why, err := o.readPeople(in)
	if err != nil {
		return nil, err
	}
	for _, d := range all { // sealing is arithmetic: not while the writer is held
		d.person.sealed, d.index = o.seal(d.person.ID, d.mobile)
	}
	out.Body.Written = true
	return out, o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.import_people", Object: "org_person", Title: in.Name, Personal: true, Subjects: out.Body.People,
			Detail: map[string]any{"people": out.Body.People, "posts": len(all)}}
		d, err := o.checkPeople(ctx, tx, all, why)
		if err != nil {
			return e, err
		}
		return e, o.writePeople(ctx, tx, d, all, now)
	})
}

// checkPeople checks drafts against the units and people that are there.
func (o *Org) checkPeople(ctx context.Context, q store.Queryer, all []*draft, why *sheet.Reasons) (*directory, error) {
	have, err := units(ctx, q, store.C("u.closed_at = 0"))
	if err != nil {
		return nil, err
	}
	may, err := authz.Reach(ctx, q, "org.unit_manage")
	if err != nil {
		return nil, err
	}
	d := newDirectory(have)
	join(d, all, func(u Unit) bool { return may.Has(u.ID, "", "") }, why)
	at := staffNos(all)
	var numbers []string
	for no := range at {
		numbers = append(numbers, no)
	}
	for part := range chunks(numbers, 500) {
		taken, err := people(ctx, q, store.In("e.staff_no", part))
		if err != nil {
			return nil, err
		}
		for _, p := range taken {
			why.Add(at[p.StaffNo], "staffNo", "org.staff_taken", p.StaffNo, p.Name)
		}
	}
	return d, why.Err("org.import_refused")
}

func (o *Org) writePeople(ctx context.Context, tx *store.Tx, d *directory, all []*draft, now store.Time) error {
	people, posts, spans, ids := personRows(d, all, now)
	for _, part := range []struct {
		into string
		rows [][]any
	}{
		{`INSERT INTO org_person (id, name, pinyin, initials, sex, staff_no, mobile, mobile_idx, office_phone, unit_id, title, leader, sort, made_at, version) VALUES `, people},
		{`INSERT INTO org_post (id, person, unit_id, title, rank, leader, main, from_at, version) VALUES `, posts},
		{`INSERT INTO org_post_span (post_id, from_at, person, unit_id, title, rank, leader, main) VALUES `, spans},
	} {
		if err := bulk(ctx, tx, part.into, part.rows); err != nil {
			return err
		}
	}
	if err := o.find.Touch(ctx, tx, "org_person", ids...); err != nil {
		return err
	}
	if err := o.tellPeople(ctx, tx, ids...); err != nil {
		return err
	}
	return o.tellPosts(ctx, tx, ids...)
}

// bulkSize is how many placeholders a statement of bulk has. SQLite looks up each named placeholder among
// those before it: 10 000 people took 54 s with 20 000 of them a statement, 1.8 s with 300.
const bulkSize = 300

// bulk inserts rows, many in one statement.
func bulk(ctx context.Context, q store.Queryer, into string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	for part := range chunks(rows, bulkSize/len(rows[0])) {
		var sql strings.Builder
		sql.WriteString(into)
		var args []any
		for i, row := range part {
			if i > 0 {
				sql.WriteByte(',')
			}
			for j, v := range row {
				sql.WriteByte("(,"[min(j, 1)])
				args = append(args, v)
				sql.WriteByte('$')
				sql.WriteString(strconv.Itoa(len(args)))
			}
			sql.WriteByte(')')
		}
		if err := store.Exec(ctx, q, sql.String(), args...); err != nil {
			return err
		}
	}
	return nil
}
