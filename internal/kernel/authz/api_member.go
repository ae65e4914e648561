package authz

import (
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// MemberItem is one post that carries one role.
type MemberItem struct {
	Post       string     `json:"post"`
	Title      string     `json:"title"`
	Person     string     `json:"person"`
	PersonName string     `json:"personName"`
	Unit       string     `json:"unit"`
	UnitName   string     `json:"unitName"`
	Role       string     `json:"role"`
	RoleName   string     `json:"roleName"`
	RoleNameEN string     `json:"roleNameEn"`
	At         store.Time `json:"at"`
}

type membersIn struct {
	store.Page
	Role string `query:"role" maxLength:"40" doc:"posts that carry this role"`
	Perm string `query:"perm" maxLength:"80" doc:"posts whose role holds this permission"`
	Unit string `query:"unit" maxLength:"40" doc:"posts in this unit or below"`
}

type membersOut struct{ Body store.Listed[MemberItem] }

func (z *Authz) listMembers(ctx context.Context, in *membersIn) (*membersOut, error) {
	var conds []store.Cond
	if in.Role != "" {
		conds = append(conds, store.C("role_id = $1", in.Role))
	}
	if in.Perm != "" {
		conds = append(conds, carriesPerm(in.Perm))
	}
	if in.Unit != "" {
		conds = append(conds, inUnit(in.Unit))
	}
	l, err := members(ctx, z.db, memberScope(ctx), in.Page, conds...)
	if err != nil {
		return nil, err
	}
	items, err := z.named(ctx, l.Items)
	return &membersOut{store.Listed[MemberItem]{Items: items, Next: l.Next}}, err
}

// named adds the names of posts and roles.
func (z *Authz) named(ctx context.Context, all []member) ([]MemberItem, error) {
	posts := make([]string, len(all))
	ids := make([]string, len(all))
	for i, m := range all {
		posts[i], ids[i] = m.post, m.role
	}
	held, err := z.posts.Holdings(ctx, z.db, posts)
	if err != nil {
		return nil, err
	}
	list, err := roles(ctx, z.db, store.In("r.id", ids))
	if err != nil {
		return nil, err
	}
	byID := map[string]Role{}
	for _, r := range list {
		byID[r.ID] = r
	}
	out := make([]MemberItem, len(all))
	for i, m := range all {
		h, r := held[m.post], byID[m.role]
		out[i] = MemberItem{Post: m.post, Title: h.Title, Person: h.Person, PersonName: h.PersonName, Unit: m.unit, UnitName: h.UnitName,
			Role: m.role, RoleName: r.Name, RoleNameEN: r.NameEN, At: m.at}
	}
	return out, nil
}

type postIn struct {
	Post string `path:"post" maxLength:"40"`
}

// postRolesOut are a post's roles, and which others the caller may give it.
type postRolesOut struct {
	Body struct {
		Items      []Role   `json:"items" nullable:"false"`
		Assignable []string `json:"assignable" nullable:"false" doc:"ids of the roles the caller may give to or take from this post"`
	}
}

func (z *Authz) postRoles(ctx context.Context, in *postIn) (*postRolesOut, error) {
	to, err := z.reached(ctx, z.db, in.Post)
	if err != nil {
		return nil, err
	}
	all, err := roles(ctx, z.db, store.C("TRUE"))
	if err != nil {
		return nil, err
	}
	has, err := store.Column[string](ctx, z.db, `SELECT role_id FROM authz_post_role WHERE post_id = $1`, in.Post)
	if err != nil {
		return nil, err
	}
	own, above, err := z.assigner(ctx, z.db, to.Holder)
	out := &postRolesOut{}
	out.Body.Items, out.Body.Assignable = []Role{}, []string{}
	for _, r := range all {
		if slices.Contains(has, r.ID) {
			out.Body.Items = append(out.Body.Items, r)
		}
		if mayAssign(From(ctx), own, r, to.Holder, above) == nil {
			out.Body.Assignable = append(out.Body.Assignable, r.ID)
		}
	}
	return out, err
}

// reached returns who holds post, when the caller's authz.unit_manage reaches its unit.
func (z *Authz) reached(ctx context.Context, q store.Queryer, post string) (Holding, error) {
	held, err := z.posts.Holdings(ctx, q, []string{post})
	if err != nil {
		return Holding{}, err
	}
	h, ok := held[post]
	if !ok {
		return h, errs.New(errs.Missing, "authz.no_such_post")
	}
	return h, MayUnit(ctx, q, "authz.unit_manage", h.Unit)
}

// assigner returns what mayAssign asks for: the caller's own grants and the units over the post's body.
func (z *Authz) assigner(ctx context.Context, q store.Queryer, to Holder) (map[string][]room.Grant, map[string]bool, error) {
	me := From(ctx)
	above, err := unitsAbove(ctx, q, to.Home)
	if err != nil {
		return nil, nil, err
	}
	own, err := z.ownOf(ctx, q, me)
	return own, above, err
}

// ownOf reads what the actor holds by himself in his acting post: nothing that is lent to him.
func (z *Authz) ownOf(ctx context.Context, q store.Queryer, a *room.Actor) (map[string][]room.Grant, error) {
	perms, err := permsOfPosts(ctx, q, []string{a.Post})
	if err != nil {
		return nil, err
	}
	return z.own(Holder{Person: a.Person, Post: a.Post, Unit: a.Unit, Home: a.Home, Street: a.Street}, perms[a.Post]), nil
}

type postRoleIn struct {
	Post string `path:"post" maxLength:"40"`
	Role string `path:"role" maxLength:"40"`
}

func (z *Authz) assignRole(ctx context.Context, in *postRoleIn) (*struct{}, error) {
	return nil, z.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		to, role, err := z.assignment(ctx, tx, in)
		if err != nil {
			return err
		}
		if _, err := assign(ctx, tx, to.Holder, role.ID, From(ctx).Person, store.At(z.now())); err != nil {
			return err
		}
		return z.changed(ctx, tx, "post", assignEntry("authz.assign", to, role))
	})
}

func (z *Authz) takeRole(ctx context.Context, in *postRoleIn) (*struct{}, error) {
	return nil, z.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		to, role, err := z.assignment(ctx, tx, in)
		if err != nil {
			return err
		}
		if err := unassign(ctx, tx, in.Post, role.ID); err != nil {
			return err
		}
		return z.changed(ctx, tx, "post", assignEntry("authz.unassign", to, role))
	})
}

func assignEntry(action string, to Holding, role Role) audit.Entry {
	return audit.Entry{Action: action, Object: "authz_post_role", ID: to.Post, Title: role.Name,
		Detail: map[string]any{"role": role.ID, "person": to.Person, "unit": to.Unit}}
}

// assignment finds the post and the role of in and checks that the caller may join or part them.
func (z *Authz) assignment(ctx context.Context, tx *store.Tx, in *postRoleIn) (Holding, Role, error) {
	if err := store.Lock(ctx, tx, "authz.role", in.Role); err != nil {
		return Holding{}, Role{}, err
	}
	if err := store.Lock(ctx, tx, "authz.post", in.Post); err != nil { // DropPosts takes it too: no role comes onto a post that is ending
		return Holding{}, Role{}, err
	}
	to, err := z.reached(ctx, tx, in.Post)
	if err != nil {
		return to, Role{}, err
	}
	role, err := findRole(ctx, tx, in.Role)
	if err != nil {
		return to, role, err
	}
	own, above, err := z.assigner(ctx, tx, to.Holder)
	if err != nil {
		return to, role, err
	}
	return to, role, mayAssign(From(ctx), own, role, to.Holder, above)
}

// DropPosts takes every role from posts that end; the keeper of posts calls it in the same transaction.
func (z *Authz) DropPosts(ctx context.Context, tx *store.Tx, posts []string) error {
	if len(posts) == 0 {
		return nil
	}
	for _, p := range slices.Sorted(slices.Values(posts)) {
		if err := store.Lock(ctx, tx, "authz.post", p); err != nil {
			return err
		}
	}
	if err := unassignPosts(ctx, tx, posts); err != nil {
		return err
	}
	return z.Touch(ctx, tx)
}
