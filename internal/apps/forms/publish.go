package forms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// keepDraft writes the draft of an application.
func (f *Forms) keepDraft(ctx context.Context, d *Drawn, key string, version int64) (*draftOut, error) {
	a, bad := d.read(f)
	if a == nil {
		return nil, refused(bad)
	}
	if key != "" && a.Key != key {
		return nil, errs.New(errs.Invalid, "forms.other_key", key, a.Key)
	}
	me := authz.From(ctx)
	var out *draftOut
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "forms_app", a.Key); err != nil {
			return err
		}
		v, err := oneVersion(ctx, tx, store.C("key = $1 AND state = 'draft'", a.Key))
		fresh := errs.Is(err, errs.Missing)
		if err != nil && !fresh {
			return err
		}
		if !fresh && v.Version != version {
			return errs.New(errs.Conflict, "forms.draft_changed", v.ByName)
		}
		if fresh {
			last, err := lastNumber(ctx, tx, a.Key)
			if err != nil {
				return err
			}
			if last > 0 && key == "" {
				return errs.New(errs.Conflict, "forms.key_taken", a.Key)
			}
			v = Version{Key: a.Key, Number: last + 1, State: "draft"}
		}
		v.Body, v.Source, v.By, v.ByName, v.At = *a, d.Source, me.Person, me.Name, store.At(f.now())
		if fresh {
			v.Version = 1
			err = insertVersion(ctx, tx, &v)
		} else {
			err = saveVersion(ctx, tx, &v)
		}
		if err != nil {
			return err
		}
		if out, err = f.draftBody(ctx, tx, &v); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "forms.app_draft", Object: "forms_app", ID: v.Key, Title: v.Body.Title.ZH, Detail: map[string]any{"number": v.Number, "fields": len(a.Fields), "steps": len(a.Steps)}})
	})
	return out, err
}

func (f *Forms) deleteDraft(ctx context.Context, in *dropIn) (*struct{}, error) {
	return nil, f.change(ctx, in.Key, "draft", in.Version, "forms.app_drop", func(ctx context.Context, tx *store.Tx, v *Version) error {
		return deleteVersion(ctx, tx, v)
	})
}

type publishedOut struct{ Body VersionLine }

// publishDraft makes the draft what new entries are filed by. Those under way keep their version.
func (f *Forms) publishDraft(ctx context.Context, in *versionIn) (*publishedOut, error) {
	out := &publishedOut{}
	err := f.change(ctx, in.Key, "draft", in.Body.Version, "forms.app_publish", func(ctx context.Context, tx *store.Tx, v *Version) error {
		if _, bad := app.Compile(&v.Body, nil, f.days); bad != nil {
			return refused(bad)
		}
		bad, err := f.outside(ctx, tx, &v.Body)
		if err != nil {
			return err
		}
		if bad != nil {
			return refused(bad)
		}
		if err := f.publish(ctx, tx, v); err != nil {
			return err
		}
		out.Body = versionLine(ctx, v)
		return nil
	})
	return out, err
}

// retire takes an application away from those who would file entries; those under way go on.
func (f *Forms) retire(ctx context.Context, in *versionIn) (*publishedOut, error) {
	out := &publishedOut{}
	err := f.change(ctx, in.Key, "published", in.Body.Version, "forms.app_retire", func(ctx context.Context, tx *store.Tx, v *Version) error {
		v.State = "retired"
		out.Body = versionLine(ctx, v)
		return saveVersion(ctx, tx, v)
	})
	return out, err
}

// change runs fn on the version of a key that is in a state, and records what was done.
func (f *Forms) change(ctx context.Context, key, state string, version int64, action string, fn func(context.Context, *store.Tx, *Version) error) error {
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "forms_app", key); err != nil {
			return err
		}
		v, err := oneVersion(ctx, tx, store.C("key = $1 AND state = $2", key, state))
		if err != nil {
			return err
		}
		if v.Version != version {
			return errs.New(errs.Conflict, "forms.draft_changed", v.ByName)
		}
		if err := fn(ctx, tx, &v); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "forms_app", ID: v.Key, Title: v.Body.Title.ZH, Detail: map[string]any{"number": v.Number}})
	})
}

// outside says what of a declaration does not fit the installation: roles that nobody could carry.
func (f *Forms) outside(ctx context.Context, q store.Queryer, a *app.App) ([]app.Finding, error) {
	var bad []app.Finding
	for _, r := range roleKeys(a) {
		_, err := f.authz.RoleByKey(ctx, q, r.key)
		if errs.Is(err, errs.Missing) {
			bad, err = append(bad, app.Finding{Path: r.path, Key: "forms.f_role", Args: []any{r.key}}), nil
		}
		if err != nil {
			return nil, err
		}
	}
	return bad, nil
}

// publish makes v serve: its roles and resources are there, its flow is deployed.
func (f *Forms) publish(ctx context.Context, tx *store.Tx, v *Version) error {
	now := store.At(f.now())
	if err := store.Exec(ctx, tx, `UPDATE forms_app SET state = 'past', version = version + 1 WHERE key = $1 AND state = 'published'`, v.Key); err != nil {
		return err
	}
	v.State, v.Published = "published", now
	if err := saveVersion(ctx, tx, v); err != nil {
		return err
	}
	var roles []authz.Role
	for _, r := range v.Body.Roles {
		roles = append(roles, authz.Role{Key: v.Body.RoleKey(r.Key), Name: r.Title.ZH, NameEN: r.Title.EN, Note: v.Body.Title.ZH,
			Perms: []authz.RolePerm{{Perm: "forms.use", Scope: room.All}}})
	}
	if err := f.authz.Ensure(ctx, tx, roles); err != nil {
		return err
	}
	for _, kind := range v.Body.Resources {
		for i, it := range kind.Items {
			if _, err := insertResource(ctx, tx, &Resource{App: v.Key, Kind: kind.Key, Key: it.Key, Title: it.Title, Note: it.Note, Seats: it.Seats, Open: true, Rank: i + 1}); err != nil {
				return err
			}
		}
	}
	if err := f.jobs.Enqueue(ctx, tx, "forms.reindex", reindexJob{Key: v.Key}); err != nil {
		return err
	}
	return f.deploy(ctx, tx, v)
}

// install publishes the applications that come with the program and are new in it. One an administrator has published a
// version of his own of, or retired, stays as it is.
func (f *Forms) install(ctx context.Context) error {
	ctx = room.BySystem(ctx)
	designer := authz.Role{Key: "app_designer", Name: "应用设计员", NameEN: "Application designer", Perms: []authz.RolePerm{
		{Perm: "forms.use", Scope: room.All}, {Perm: "forms.design", Scope: room.All}, {Perm: "forms.resources", Scope: room.All}, {Perm: "flow.draw", Scope: room.All}}}
	if err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return f.authz.Ensure(ctx, tx, []authz.Role{designer}) }); err != nil {
		return err
	}
	files, err := fs.Glob(shipped, "apps/*.yaml")
	if err != nil {
		return err
	}
	for _, name := range files {
		text, err := shipped.ReadFile(name)
		if err != nil {
			return err
		}
		a, _, bad := f.schema.Parse(text)
		if bad != nil {
			return refused(bad)
		}
		if err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return f.installOne(ctx, tx, a, text) }); err != nil {
			return fmt.Errorf("forms: %s: %w", name, err)
		}
	}
	return nil
}

func (f *Forms) installOne(ctx context.Context, tx *store.Tx, a *app.App, text []byte) error {
	if err := store.Lock(ctx, tx, "forms_app", a.Key); err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	all, err := versions(ctx, tx, store.C("key = $1", a.Key))
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.Digest == digest || !v.Shipped && v.State != "draft" || v.State == "retired" {
			return nil
		}
	}
	number := int64(1)
	if len(all) > 0 {
		if all[0].State == "draft" { // somebody is at work on it; a later start installs it
			return nil
		}
		number = all[0].Number + 1
	}
	v := Version{Key: a.Key, Number: number, State: "draft", Body: *a, Source: string(text), Shipped: true, Digest: digest, At: store.At(f.now()), Version: 1}
	if err := insertVersion(ctx, tx, &v); err != nil {
		return err
	}
	if err := f.publish(ctx, tx, &v); err != nil {
		return err
	}
	return f.audit.Record(ctx, tx, audit.Entry{Action: "forms.app_publish", Object: "forms_app", ID: v.Key, Title: v.Body.Title.ZH, Detail: map[string]any{"number": v.Number, "shipped": true}})
}
