package org

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

const groupSelect = `SELECT g.id, g.name, g.pinyin, g.initials, g.duty, g.office, COALESCE(u.name, ''), g.from_at, g.until_at, g.version,
	(SELECT count(*) FROM org_group_member m WHERE m.group_id = g.id AND m.until_at = 0) FROM org_group g LEFT JOIN org_unit u ON u.id = g.office`

func scanGroup(g *Group) []any {
	return []any{&g.ID, &g.Name, &g.pinyin, &g.initials, &g.Duty, &g.Office, &g.OfficeName, &g.From, &g.Until, &g.Version, &g.Members}
}

func oneGroup(ctx context.Context, q store.Queryer, group string) (Group, error) {
	g, err := store.One(ctx, q, scanGroup, groupSelect+` WHERE g.id = $1`, group)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "org.no_group")
	}
	return g, err
}

func groupMembers(ctx context.Context, q store.Queryer, group string, past bool) ([]GroupMember, error) {
	cond := `m.group_id = $1 AND m.until_at = 0`
	if past {
		cond = `m.group_id = $1`
	}
	all, err := store.All(ctx, q, func(m *GroupMember) []any {
		return []any{&m.ID, &m.Person, &m.Name, &m.Unit, &m.UnitName, &m.Title, &m.Role, &m.Rank, &m.From, &m.Until}
	}, `SELECT m.id, m.person, e.name, e.unit_id, COALESCE(u.name, ''), e.title, m.role, m.rank, m.from_at, m.until_at
		FROM org_group_member m JOIN org_person e ON e.id = m.person LEFT JOIN org_unit u ON u.id = e.unit_id WHERE `+cond+`
		ORDER BY CASE WHEN m.until_at = 0 THEN 0 ELSE 1 END, `+roleOrder+`, m.rank, e.sort, m.id`, group)
	if all == nil {
		all = []GroupMember{}
	}
	return all, err
}

// memberships returns the groups a person is in now.
func memberships(ctx context.Context, q store.Queryer, person string) ([]Membership, error) {
	all, err := store.All(ctx, q, func(m *Membership) []any { return []any{&m.Group, &m.Name, &m.Role, &m.From} },
		`SELECT m.group_id, g.name, m.role, m.from_at FROM org_group_member m JOIN org_group g ON g.id = m.group_id
		WHERE m.person = $1 AND m.until_at = 0 AND g.until_at = 0 ORDER BY `+roleOrder+`, g.pinyin, m.id`, person)
	if all == nil {
		all = []Membership{}
	}
	return all, err
}

type groupsIn struct {
	store.Page
	Text string `query:"q" maxLength:"40" doc:"part of the name, pinyin or initials"`
	Past bool   `query:"past" doc:"dissolved ones too"`
}

type groupsOut struct{ Body store.Listed[Group] }

func (o *Org) listGroups(ctx context.Context, in *groupsIn) (*groupsOut, error) {
	var conds []store.Cond
	if !in.Past {
		conds = append(conds, store.C("g.until_at = 0"))
	}
	if text := strings.TrimSpace(in.Text); text != "" {
		low := strings.ToLower(text)
		conds = append(conds, store.Or(beginsWith("g.pinyin", low), beginsWith("g.initials", low), holds("g.name", text)))
	}
	l, err := store.List(ctx, o.db, store.Query[Group]{Select: groupSelect, Scope: store.Unscoped("groups stand across units; who may read the address book sees all of them"),
		Where: conds, Keys: []string{"g.pinyin", "g.id"}, Page: in.Page, Scan: scanGroup, Cursor: func(g *Group) []any { return []any{g.pinyin, g.ID} }})
	return &groupsOut{l}, err
}

type groupIn struct {
	ID   string `path:"id" maxLength:"40"`
	Past bool   `query:"past" doc:"former members too"`
}

type groupOut struct {
	Body struct {
		Group
		People []GroupMember `json:"people" nullable:"false"`
	}
}

func (o *Org) showGroup(ctx context.Context, in *groupIn) (*groupOut, error) {
	out := &groupOut{}
	var err error
	if out.Body.Group, err = oneGroup(ctx, o.db, in.ID); err != nil {
		return nil, err
	}
	out.Body.People, err = groupMembers(ctx, o.db, in.ID, in.Past)
	return out, err
}

type createGroupIn struct {
	Body struct {
		GroupForm
		Since string `json:"since" required:"false" maxLength:"10" doc:"the day it was set up, today when empty"`
	}
}

func (o *Org) createGroup(ctx context.Context, in *createGroupIn) (*idOut, error) {
	g := Group{ID: id.New()}
	if err := in.Body.apply(&g); err != nil {
		return nil, err
	}
	err := o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.group_create", Object: "org_group", ID: g.ID, Title: g.Name}
		var err error
		if g.From, err = since(in.Body.Since, now.Time); err != nil {
			return e, err
		}
		if err := groupOffice(ctx, tx, g); err != nil {
			return e, err
		}
		err = store.Exec(ctx, tx, `INSERT INTO org_group (id, name, pinyin, initials, duty, office, from_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, 1)`,
			g.ID, g.Name, g.pinyin, g.initials, g.Duty, g.Office, g.From)
		return e, groupTaken(err, g.Name)
	})
	return made(g.ID), err
}

// groupOffice says why the unit named as office cannot be it.
func groupOffice(ctx context.Context, q store.Queryer, g Group) error {
	if g.Office == "" {
		return nil
	}
	u, err := oneUnit(ctx, q, store.C("u.id = $1", g.Office))
	if err == nil && !u.Closed.IsZero() {
		err = errs.New(errs.Invalid, "org.unit_closed", u.Name)
	}
	return err
}

func groupTaken(err error, name string) error {
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "org.group_taken", name)
	}
	return err
}

// changeGroup finds a lasting group and runs fn with it.
func (o *Org) changeGroup(ctx context.Context, group, action string, fn func(ctx context.Context, tx *store.Tx, g *Group, e *audit.Entry, now store.Time) error) error {
	return o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: action, Object: "org_group", ID: group}
		g, err := oneGroup(ctx, tx, group)
		if err != nil {
			return e, err
		}
		if !g.Until.IsZero() {
			return e, errs.New(errs.Conflict, "org.group_ended", g.Name)
		}
		err = fn(ctx, tx, &g, &e, now)
		e.Title = g.Name
		return e, err
	})
}

// saveGroup writes g over the version it was read at.
func saveGroup(ctx context.Context, q store.Queryer, g Group) error {
	return groupTaken(store.ExecOne(ctx, q, `UPDATE org_group SET name = $1, pinyin = $2, initials = $3, duty = $4, office = $5, until_at = $6, version = version + 1
		WHERE id = $7 AND version = $8`, g.Name, g.pinyin, g.initials, g.Duty, g.Office, g.Until, g.ID, g.Version), g.Name)
}

type updateGroupIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		GroupForm
		Version int64 `json:"version" minimum:"1"`
	}
}

func (o *Org) updateGroup(ctx context.Context, in *updateGroupIn) (*unitDone, error) {
	err := o.changeGroup(ctx, in.ID, "org.group_update", func(ctx context.Context, tx *store.Tx, g *Group, e *audit.Entry, _ store.Time) error {
		e.Detail = map[string]any{"before": g.Name, "office": g.Office}
		if err := in.Body.apply(g); err != nil {
			return err
		}
		g.Version = in.Body.Version
		if err := groupOffice(ctx, tx, *g); err != nil {
			return err
		}
		return saveGroup(ctx, tx, *g)
	})
	return done(in.ID, in.Body.Version+1), err
}

func (o *Org) dissolveGroup(ctx context.Context, in *unitVersionIn) (*unitDone, error) {
	err := o.changeGroup(ctx, in.ID, "org.group_dissolve", func(ctx context.Context, tx *store.Tx, g *Group, _ *audit.Entry, now store.Time) error {
		g.Until, g.Version = now, in.Body.Version
		if err := saveGroup(ctx, tx, *g); err != nil {
			return err
		}
		return store.Exec(ctx, tx, `UPDATE org_group_member SET until_at = $1 WHERE group_id = $2 AND until_at = 0`, now, g.ID)
	})
	return done(in.ID, in.Body.Version+1), err
}

type joinGroupIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Person string    `json:"person" minLength:"1" maxLength:"40"`
		Role   GroupRole `json:"role" enum:"head,deputy,office_head,member"`
		Rank   int       `json:"rank" required:"false" minimum:"0" maximum:"9999" doc:"order among those of the same role, 100 when 0"`
		Since  string    `json:"since" required:"false" maxLength:"10"`
	}
}

func (o *Org) joinGroup(ctx context.Context, in *joinGroupIn) (*idOut, error) {
	m := GroupMember{ID: id.New(), Person: in.Body.Person, Role: in.Body.Role, Rank: in.Body.Rank}
	if m.Rank == 0 {
		m.Rank = DefaultRank
	}
	err := o.changeGroup(ctx, in.ID, "org.group_join", func(ctx context.Context, tx *store.Tx, g *Group, e *audit.Entry, now store.Time) error {
		name, err := o.PersonName(ctx, tx, m.Person)
		if err != nil {
			return err
		}
		if m.From, err = since(in.Body.Since, now.Time); err != nil {
			return err
		}
		members, err := groupMembers(ctx, tx, g.ID, false)
		if err != nil {
			return err
		}
		if err := mayJoin(members, m, name); err != nil {
			return err
		}
		e.Detail = map[string]any{"person": m.Person, "name": name, "role": m.Role}
		return store.Exec(ctx, tx, `INSERT INTO org_group_member (id, group_id, person, role, rank, from_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			m.ID, g.ID, m.Person, string(m.Role), m.Rank, m.From)
	})
	return made(m.ID), err
}

// mayJoin says why m cannot be added to the members of a group: he is one already, or there are heads enough.
func mayJoin(members []GroupMember, m GroupMember, name string) error {
	heads := 0
	for _, x := range members {
		if x.Person == m.Person {
			return errs.New(errs.Conflict, "org.group_member_twice", name)
		}
		if x.Role == Head {
			heads++
		}
	}
	if m.Role == Head && heads >= MaxHeads {
		return errs.New(errs.Conflict, "org.group_heads", MaxHeads)
	}
	return nil
}

type leaveGroupIn struct {
	ID     string `path:"id" maxLength:"40"`
	Member string `path:"member" maxLength:"40"`
}

func (o *Org) leaveGroup(ctx context.Context, in *leaveGroupIn) (*struct{}, error) {
	return nil, o.changeGroup(ctx, in.ID, "org.group_leave", func(ctx context.Context, tx *store.Tx, g *Group, e *audit.Entry, now store.Time) error {
		e.Detail = map[string]any{"member": in.Member}
		err := store.ExecOne(ctx, tx, `UPDATE org_group_member SET until_at = $1 WHERE id = $2 AND group_id = $3 AND until_at = 0`, now, in.Member, g.ID)
		if errs.Is(err, errs.Conflict) {
			err = errs.New(errs.Missing, "org.no_member")
		}
		return err
	})
}
