package authz

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// permItem is one permission as a role's editor shows it.
type permItem struct {
	Name    string     `json:"name"`
	Title   string     `json:"title" doc:"in the caller's language"`
	Admin   room.Admin `json:"admin" doc:"the administrator it is reserved for, empty when roles may hold it"`
	Default room.Scope `json:"default" doc:"how far everybody holds it, empty for not at all"`
}

// permRoom is a room with its permissions.
type permRoom struct {
	Room  string     `json:"room"`
	Title string     `json:"title"`
	Perms []permItem `json:"perms" nullable:"false"`
}

type permissionsOut struct {
	Body struct {
		Items []permRoom `json:"items" nullable:"false"`
	}
}

func (z *Authz) permissions(ctx context.Context, _ *struct{}) (*permissionsOut, error) {
	out := &permissionsOut{}
	out.Body.Items = []permRoom{}
	lang := web.From(ctx).Lang
	for _, p := range z.order {
		name, _, _ := strings.Cut(p.Name, ".")
		n := len(out.Body.Items)
		if n == 0 || out.Body.Items[n-1].Room != name {
			out.Body.Items = append(out.Body.Items, permRoom{Room: name, Title: z.words.Text(lang, "room."+name)})
			n++
		}
		r := &out.Body.Items[n-1]
		r.Perms = append(r.Perms, permItem{p.Name, z.title(ctx, p.Name), p.Admin, p.Default})
	}
	return out, nil
}

// title is a permission's name in the caller's language.
func (z *Authz) title(ctx context.Context, perm string) string {
	return z.words.Text(web.From(ctx).Lang, "perm."+perm)
}

type rolesOut struct {
	Body struct {
		Items []Role `json:"items" nullable:"false"`
	}
}

type roleIn struct {
	ID string `path:"id" maxLength:"40"`
}

type roleOut struct{ Body Role }

func (z *Authz) listRoles(ctx context.Context, _ *struct{}) (*rolesOut, error) {
	out := &rolesOut{}
	out.Body.Items = []Role{}
	all, err := roles(ctx, z.db, store.C("TRUE"))
	if all != nil {
		out.Body.Items = all
	}
	return out, err
}

func (z *Authz) showRole(ctx context.Context, in *roleIn) (*roleOut, error) {
	r, err := findRole(ctx, z.db, in.ID)
	return &roleOut{r}, err
}

// RoleForm is what an editor of a role fills in.
type RoleForm struct {
	Name   string     `json:"name" minLength:"2" maxLength:"40"`
	NameEN string     `json:"nameEn" required:"false" maxLength:"80"`
	Note   string     `json:"note" required:"false" maxLength:"500"`
	Perms  []RolePerm `json:"perms" minItems:"1" maxItems:"500"`
}

// check cleans the body and gives reasons for permissions a role may not hold.
func (z *Authz) check(ctx context.Context, b *RoleForm) error {
	b.Name, b.NameEN, b.Note = strings.TrimSpace(b.Name), strings.TrimSpace(b.NameEN), strings.TrimSpace(b.Note)
	if len([]rune(b.Name)) < 2 {
		return errs.New(errs.Invalid, "authz.name_short")
	}
	seen := map[string]bool{}
	for _, p := range b.Perms {
		if err := z.grantable(p); err != nil {
			return z.titled(ctx, err, p.Perm)
		}
		if seen[p.Perm] {
			return errs.New(errs.Invalid, "authz.perm_twice", z.title(ctx, p.Perm))
		}
		seen[p.Perm] = true
	}
	return nil
}

// titled puts the permission's title where the error names the permission.
func (z *Authz) titled(ctx context.Context, err error, perm string) error {
	if z.words != nil && z.perms[perm].Name != "" {
		return errs.New(errs.KindOf(err), errs.KeyOf(err), z.title(ctx, perm))
	}
	return err
}

type createRoleIn struct{ Body RoleForm }

func (z *Authz) createRole(ctx context.Context, in *createRoleIn) (*roleOut, error) {
	if err := z.check(ctx, &in.Body); err != nil {
		return nil, err
	}
	r := Role{ID: id.New(), Name: in.Body.Name, NameEN: in.Body.NameEN, Note: in.Body.Note, Perms: in.Body.Perms, Changed: store.At(z.now()), Version: 1}
	err := z.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertRole(ctx, tx, r); err != nil {
			return nameTaken(err, r.Name)
		}
		return z.changed(ctx, tx, "role", audit.Entry{Action: "authz.role_create", Object: "authz_role", ID: r.ID, Title: r.Name, Detail: map[string]any{"perms": r.Perms}})
	})
	return &roleOut{r}, err
}

type updateRoleIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		RoleForm
		Version int64 `json:"version" minimum:"1"`
	}
}

func (z *Authz) updateRole(ctx context.Context, in *updateRoleIn) (*roleOut, error) {
	if err := z.check(ctx, &in.Body.RoleForm); err != nil {
		return nil, err
	}
	var r Role
	err := z.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if err = store.Lock(ctx, tx, "authz.role", in.ID); err != nil {
			return err
		}
		if r, err = findRole(ctx, tx, in.ID); err != nil {
			return err
		}
		before := r.Perms
		r.Name, r.NameEN, r.Note, r.Perms, r.Changed, r.Version = in.Body.Name, in.Body.NameEN, in.Body.Note, in.Body.Perms, store.At(z.now()), in.Body.Version
		if err := saveRole(ctx, tx, r); err != nil {
			return nameTaken(err, r.Name)
		}
		r.Version++
		return z.changed(ctx, tx, "role", audit.Entry{Action: "authz.role_update", Object: "authz_role", ID: r.ID, Title: r.Name, Detail: map[string]any{"before": before, "perms": r.Perms}})
	})
	return &roleOut{r}, err
}

type removeRoleIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" required:"true" minimum:"1"`
}

func (z *Authz) removeRole(ctx context.Context, in *removeRoleIn) (*struct{}, error) {
	return nil, z.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "authz.role", in.ID); err != nil {
			return err
		}
		r, err := findRole(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		switch {
		case r.Builtin:
			return errs.New(errs.Invalid, "authz.builtin", r.Name)
		case r.Members > 0:
			return errs.New(errs.Conflict, "authz.role_in_use", r.Name, r.Members)
		}
		if err := deleteRole(ctx, tx, in.ID, in.Version); err != nil {
			return err
		}
		return z.changed(ctx, tx, "role", audit.Entry{Action: "authz.role_delete", Object: "authz_role", ID: r.ID, Title: r.Name, Detail: map[string]any{"perms": r.Perms}})
	})
}

// Ensure writes the built-in roles whose key is not there yet; those there keep what the security
// administrator made of them. Permissions no installed room declares are left out; where a role he made has
// the name of a built-in one, the built-in one says in its own that it is.
func (z *Authz) Ensure(ctx context.Context, tx *store.Tx, builtin []Role) error {
	if err := store.Lock(ctx, tx, "authz.builtin", ""); err != nil { // of replicas that start together
		return err
	}
	have, err := roles(ctx, tx, store.C("TRUE"))
	if err != nil {
		return err
	}
	for _, r := range builtin {
		if r.Key == "" || slices.ContainsFunc(have, func(h Role) bool { return h.Key == r.Key }) {
			continue
		}
		if slices.ContainsFunc(have, func(h Role) bool { return h.Name == r.Name }) {
			r.Name += "（预置）"
		}
		r.ID, r.Builtin, r.Version, r.Changed = id.New(), true, 1, store.At(z.now())
		r.Perms = slices.DeleteFunc(slices.Clone(r.Perms), func(p RolePerm) bool { return z.grantable(p) != nil })
		if err := insertRole(ctx, tx, r); err != nil {
			return nameTaken(err, r.Name)
		}
		if err := z.changed(ctx, tx, "role", audit.Entry{Action: "authz.role_create", Object: "authz_role", ID: r.ID, Title: r.Name, Detail: map[string]any{"builtin": r.Key}}); err != nil {
			return err
		}
	}
	return nil
}

// RoleName is a built-in role as others name it.
type RoleName struct {
	Key  string `json:"key"`
	Name string `json:"name"`
	Note string `json:"note"`
}

type roleNamesOut struct {
	Body struct {
		Items []RoleName `json:"items" nullable:"false" doc:"by name; neither what they may do nor who carries them"`
	}
}

// roleNames lists the built-in roles, so that whoever draws a flow chooses one by its name.
func (z *Authz) roleNames(ctx context.Context, _ *struct{}) (*roleNamesOut, error) {
	all, err := roles(ctx, z.db, store.C("r.builtin"))
	if err != nil {
		return nil, err
	}
	out := &roleNamesOut{}
	out.Body.Items = []RoleName{}
	for _, r := range all {
		name := r.Name
		if web.From(ctx).Lang == "en" && r.NameEN != "" {
			name = r.NameEN
		}
		out.Body.Items = append(out.Body.Items, RoleName{r.Key, name, r.Note})
	}
	slices.SortFunc(out.Body.Items, func(a, b RoleName) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key)) })
	return out, nil
}

// RoleByKey returns a built-in role.
func (z *Authz) RoleByKey(ctx context.Context, q store.Queryer, key string) (Role, error) {
	all, err := roles(ctx, q, store.C("r.key = $1 AND r.builtin", key))
	if err == nil && len(all) == 0 {
		err = missingRole()
	}
	if err != nil {
		return Role{}, err
	}
	return all[0], nil
}

func missingRole() error { return errs.New(errs.Missing, "authz.no_role") }

func nameTaken(err error, name string) error {
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "authz.role_name_taken", name)
	}
	return err
}
