package authz

import (
	"context"
	"slices"

	"qushu/internal/base/store"
)

const roleColumns = `r.id, r.key, r.name, r.name_en, r.note, r.builtin, r.changed_at, r.version,
	(SELECT count(*) FROM authz_post_role m WHERE m.role_id = r.id)`

func scanRole(r *Role) []any {
	return []any{&r.ID, &r.Key, &r.Name, &r.NameEN, &r.Note, &r.Builtin, &r.Changed, &r.Version, &r.Members}
}

// roles returns the roles of cond with their permissions, built-in ones first, then by name.
func roles(ctx context.Context, q store.Queryer, cond store.Cond) ([]Role, error) {
	all, err := store.All(ctx, q, scanRole, `SELECT `+roleColumns+` FROM authz_role r WHERE `+cond.SQL+` ORDER BY r.builtin DESC, r.key, r.name, r.id`, cond.Args...)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	ids := make([]string, len(all))
	for i := range all {
		all[i].Perms = []RolePerm{}
		at[all[i].ID], ids[i] = i, all[i].ID
	}
	type row struct {
		role string
		RolePerm
	}
	in := store.In("role_id", ids)
	perms, err := store.All(ctx, q, func(r *row) []any { return []any{&r.role, &r.Perm, &r.Scope} },
		`SELECT role_id, perm, scope FROM authz_role_perm WHERE `+in.SQL+` ORDER BY role_id, perm`, in.Args...)
	for _, p := range perms {
		i := at[p.role]
		all[i].Perms = append(all[i].Perms, p.RolePerm)
	}
	return all, err
}

func findRole(ctx context.Context, q store.Queryer, role string) (Role, error) {
	all, err := roles(ctx, q, store.C("r.id = $1", role))
	if err == nil && len(all) == 0 {
		err = missingRole()
	}
	if err != nil {
		return Role{}, err
	}
	return all[0], nil
}

func insertRole(ctx context.Context, q store.Queryer, r Role) error {
	err := store.Exec(ctx, q, `INSERT INTO authz_role (id, key, name, name_en, note, builtin, changed_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		r.ID, r.Key, r.Name, r.NameEN, r.Note, r.Builtin, r.Changed, r.Version)
	if err != nil {
		return err
	}
	return insertPerms(ctx, q, r)
}

func insertPerms(ctx context.Context, q store.Queryer, r Role) error {
	for _, p := range r.Perms {
		if err := store.Exec(ctx, q, `INSERT INTO authz_role_perm (role_id, perm, scope) VALUES ($1, $2, $3)`, r.ID, p.Perm, string(p.Scope)); err != nil {
			return err
		}
	}
	return nil
}

// saveRole writes r over the version it was read at.
func saveRole(ctx context.Context, q store.Queryer, r Role) error {
	err := store.ExecOne(ctx, q, `UPDATE authz_role SET name = $1, name_en = $2, note = $3, changed_at = $4, version = version + 1 WHERE id = $5 AND version = $6`,
		r.Name, r.NameEN, r.Note, r.Changed, r.ID, r.Version)
	if err != nil {
		return err
	}
	if err := store.Exec(ctx, q, `DELETE FROM authz_role_perm WHERE role_id = $1`, r.ID); err != nil {
		return err
	}
	return insertPerms(ctx, q, r)
}

func deleteRole(ctx context.Context, q store.Queryer, role string, version int64) error {
	return store.ExecOne(ctx, q, `DELETE FROM authz_role WHERE id = $1 AND version = $2`, role, version)
}

// permsOfPosts returns the permissions of the roles each post carries.
func permsOfPosts(ctx context.Context, q store.Queryer, posts []string) (map[string][]RolePerm, error) {
	type row struct {
		post string
		RolePerm
	}
	in := store.In("m.post_id", posts)
	all, err := store.All(ctx, q, func(r *row) []any { return []any{&r.post, &r.Perm, &r.Scope} },
		`SELECT m.post_id, p.perm, p.scope FROM authz_post_role m JOIN authz_role_perm p ON p.role_id = m.role_id WHERE `+in.SQL+` ORDER BY m.post_id, p.perm, p.scope`, in.Args...)
	out := map[string][]RolePerm{}
	for _, r := range all {
		out[r.post] = append(out[r.post], r.RolePerm)
	}
	return out, err
}

// assign adds a role to a post and reports whether it was not there yet.
func assign(ctx context.Context, q store.Queryer, h Holder, role, by string, at store.Time) (bool, error) {
	res, err := q.ExecContext(ctx, `INSERT INTO authz_post_role (post_id, role_id, unit_id, by_id, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (post_id, role_id) DO NOTHING`,
		h.Post, role, h.Unit, by, at)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func unassign(ctx context.Context, q store.Queryer, post, role string) error {
	return store.ExecOne(ctx, q, `DELETE FROM authz_post_role WHERE post_id = $1 AND role_id = $2`, post, role)
}

func unassignPosts(ctx context.Context, q store.Queryer, posts []string) error {
	in := store.In("post_id", posts)
	return store.Exec(ctx, q, `DELETE FROM authz_post_role WHERE `+in.SQL, in.Args...)
}

// unitsAbove returns unit and every unit over it.
func unitsAbove(ctx context.Context, q store.Queryer, unit string) (map[string]bool, error) {
	all, err := store.Column[string](ctx, q, `SELECT unit FROM org_below WHERE below = $1`, unit)
	out := map[string]bool{unit: true}
	for _, u := range all {
		out[u] = true
	}
	return out, err
}

// member is one post that carries one role.
type member struct {
	post, unit, role string
	at               store.Time
}

func members(ctx context.Context, q store.Queryer, s store.Scope, page store.Page, conds ...store.Cond) (store.Listed[member], error) {
	return store.List(ctx, q, store.Query[member]{Select: `SELECT post_id, unit_id, role_id, at FROM authz_post_role`, Scope: s, Where: conds, Page: page,
		Keys: []string{"post_id", "role_id"}, Scan: func(m *member) []any { return []any{&m.post, &m.unit, &m.role, &m.at} },
		Cursor: func(m *member) []any { return []any{m.post, m.role} }})
}

// memberScope is the reach over assignments: they carry their post's unit.
func memberScope(ctx context.Context) store.Scope {
	return WhereCols(ctx, "authz.unit_manage", Cols{Unit: "unit_id", Sections: true})
}

// carriesPerm is the condition that an assignment's role holds perm.
func carriesPerm(perm string) store.Cond {
	return store.C(`role_id IN (SELECT role_id FROM authz_role_perm WHERE perm = $1)`, perm)
}

// inUnit is the condition that an assignment's post stands in unit or below.
func inUnit(unit string) store.Cond {
	return store.C(`unit_id IN (SELECT below FROM org_below WHERE unit = $1)`, unit)
}

// RoleHolders returns the persons whose posts carry the role of a key: in any of units, everywhere when none is given.
func (z *Authz) RoleHolders(ctx context.Context, q store.Queryer, key string, units []string) ([]string, error) {
	c := store.C("r.key = $1", key)
	if len(units) > 0 {
		c = store.And(c, store.In("m.unit_id", units))
	}
	posts, err := store.Column[string](ctx, q, `SELECT m.post_id FROM authz_post_role m JOIN authz_role r ON r.id = m.role_id WHERE `+c.SQL+` ORDER BY m.post_id`, c.Args...)
	if err != nil || len(posts) == 0 {
		return nil, err
	}
	held, err := z.posts.Holdings(ctx, q, posts)
	var out []string
	for _, p := range posts {
		if h, ok := held[p]; ok && !slices.Contains(out, h.Person) {
			out = append(out, h.Person)
		}
	}
	return out, err
}

// RoleKeys returns the keys of the built-in roles a post carries.
func (z *Authz) RoleKeys(ctx context.Context, q store.Queryer, post string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT r.key FROM authz_post_role m JOIN authz_role r ON r.id = m.role_id WHERE m.post_id = $1 AND r.key <> '' ORDER BY r.key`, post)
}
