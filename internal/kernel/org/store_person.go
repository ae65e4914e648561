package org

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

const (
	personColumns = `e.id, e.name, e.pinyin, e.initials, e.sex, e.staff_no, e.mobile, e.office_phone, e.unit_id, COALESCE(u.name, ''), COALESCE(u.street, ''), e.title, e.leader, e.left_at, e.sort, e.version`
	personFrom    = ` FROM org_person e LEFT JOIN org_unit u ON u.id = e.unit_id`
)

func scanPerson(p *Person) []any {
	return []any{&p.ID, &p.Name, &p.Pinyin, &p.Initials, &p.Sex, &p.StaffNo, &p.sealed, &p.OfficePhone, &p.Unit, &p.UnitName, &p.street, &p.Title, &p.Leader, &p.Left, &p.sort, &p.Version}
}

// people returns the persons of cond in the order of the address book.
func people(ctx context.Context, q store.Queryer, cond store.Cond) ([]Person, error) {
	return store.All(ctx, q, scanPerson, `SELECT `+personColumns+personFrom+` WHERE `+cond.SQL+` ORDER BY e.sort`, cond.Args...)
}

func onePerson(ctx context.Context, q store.Queryer, cond store.Cond) (Person, error) {
	p, err := store.One(ctx, q, scanPerson, `SELECT `+personColumns+personFrom+` WHERE `+cond.SQL, cond.Args...)
	if errs.Is(err, errs.Missing) {
		err = missingPerson()
	}
	return p, err
}

func missingPerson() error { return errs.New(errs.Missing, "org.no_person") }

// beginsWith is the condition that column begins with text, by a range an index serves.
func beginsWith(column, text string) store.Cond {
	return store.C(column+" >= $1 AND "+column+" < $2", text, text+"\U0010FFFF")
}

// holds is the condition that column holds text somewhere.
func holds(column, text string) store.Cond {
	return store.C("replace("+column+", $1, '') <> "+column, text)
}

// personText is the condition that text begins a person's name, pinyin or initials, stands in the
// name, or is the staff number.
func personText(text string) store.Cond {
	low := strings.ToLower(text)
	return store.Or(beginsWith("e.pinyin", low), beginsWith("e.initials", low), holds("e.name", text), store.C("e.staff_no = $1", strings.ToUpper(text)))
}

func searchPeople(ctx context.Context, q store.Queryer, text string, limit int) ([]Person, error) {
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	if text == "" {
		return nil, nil
	}
	var out []Person
	seen := map[string]bool{}
	for _, c := range []store.Cond{ // one after the other: each is a range of one index, the last a scan
		beginsWith("e.name", text), beginsWith("e.initials", text), beginsWith("e.pinyin", text), holds("e.name", text),
	} {
		c = store.And(c, store.C("e.left_at = 0"))
		all, err := store.All(ctx, q, scanPerson, `SELECT `+personColumns+personFrom+` WHERE `+c.SQL+` ORDER BY e.sort LIMIT `+itoa(limit), c.Args...)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			if !seen[p.ID] && len(out) < limit {
				seen[p.ID] = true
				out = append(out, p)
			}
		}
		if len(out) == limit {
			break
		}
	}
	return out, nil
}

// home joins the body h of the post p; a unit that is none itself has one row of it in the closure.
const home = ` LEFT JOIN org_below hb ON hb.below = p.unit_id AND hb.home = TRUE LEFT JOIN org_unit h ON h.id = hb.unit`

const postColumns = `p.id, p.person, p.unit_id, u.name, COALESCE(h.id, u.id), COALESCE(h.name, u.name), u.street, p.title, p.rank, p.leader, p.main, p.from_at, p.until_at, p.version`

func scanPost(p *Post) []any {
	return []any{&p.ID, &p.Person, &p.Unit, &p.UnitName, &p.Home, &p.HomeName, &p.Street, &p.Title, &p.Rank, &p.Leader, &p.Main, &p.From, &p.Until, &p.Version}
}

// posts returns the posts of cond: current ones first, the main one before the others.
func posts(ctx context.Context, q store.Queryer, cond store.Cond) ([]Post, error) {
	return store.All(ctx, q, scanPost, `SELECT `+postColumns+` FROM org_post p JOIN org_unit u ON u.id = p.unit_id`+home+` WHERE `+cond.SQL+`
		ORDER BY p.person, CASE WHEN p.until_at = 0 THEN 0 ELSE 1 END, CASE WHEN p.main THEN 0 ELSE 1 END, p.from_at, p.id`, cond.Args...)
}

func holdings(ctx context.Context, q store.Queryer, ids []string) (map[string]authz.Holding, error) {
	out := map[string]authz.Holding{}
	for part := range chunks(ids, 500) {
		in := store.In("p.id", part)
		all, err := store.All(ctx, q, func(h *authz.Holding) []any {
			return []any{&h.Post, &h.Person, &h.Unit, &h.Home, &h.Street, &h.Title, &h.PersonName, &h.UnitName}
		}, `SELECT p.id, p.person, p.unit_id, COALESCE(h.id, u.id), u.street, p.title, e.name, u.name FROM org_post p
			JOIN org_person e ON e.id = p.person JOIN org_unit u ON u.id = p.unit_id`+home+` WHERE p.until_at = 0 AND `+in.SQL, in.Args...)
		if err != nil {
			return nil, err
		}
		for _, h := range all {
			out[h.Post] = h
		}
	}
	return out, nil
}
