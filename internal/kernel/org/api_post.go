package org

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// begin writes a new post of a person who has not left, in an open unit the caller may change.
func (o *Org) begin(ctx context.Context, tx *store.Tx, p *Post, day string, now store.Time) error {
	var err error
	if p.From, err = since(day, now.Time); err != nil {
		return err
	}
	u, err := oneUnit(ctx, tx, store.C("u.id = $1", p.Unit))
	if err != nil {
		return err
	}
	if !u.Closed.IsZero() {
		return errs.New(errs.Invalid, "org.unit_closed", u.Name)
	}
	if err := mayUnit(ctx, tx, p.Unit); err != nil {
		return err
	}
	if err := notTwice(ctx, tx, *p); err != nil {
		return err
	}
	before, err := store.Value[int](ctx, tx, `SELECT count(*) FROM org_post WHERE person = $1 AND main AND until_at = 0`, p.Person)
	if err != nil {
		return err
	}
	main := p.Main
	p.Main = main && before == 0 // at most one at any moment, today and in every past day
	if err := insertPost(ctx, tx, *p); err != nil {
		return err
	}
	if err := spanPosts(ctx, tx, p.From, p.ID); err != nil {
		return err
	}
	if main && before > 0 {
		return o.makeMain(ctx, tx, p.Person, p.ID, now)
	}
	if err := resort(ctx, tx, store.C("id = $1", p.Person)); err != nil {
		return err
	}
	return o.tellPosts(ctx, tx, p.Person)
}

// notTwice refuses a post the person holds already.
func notTwice(ctx context.Context, q store.Queryer, p Post) error {
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM org_post WHERE person = $1 AND unit_id = $2 AND title = $3 AND until_at = 0`, p.Person, p.Unit, p.Title)
	if err == nil && n > 0 {
		err = errs.New(errs.Conflict, "org.post_twice")
	}
	return err
}

// makeMain makes one of a person's current posts the main one from now on.
func (o *Org) makeMain(ctx context.Context, tx *store.Tx, person, post string, now store.Time) error {
	changed, err := setMain(ctx, tx, person, post)
	if err != nil {
		return err
	}
	if err := spanPosts(ctx, tx, now, changed...); err != nil {
		return err
	}
	if err := resort(ctx, tx, store.C("id = $1", person)); err != nil {
		return err
	}
	return o.tellPosts(ctx, tx, person)
}

// endPosts ends posts of one person; when the main one ends, the longest-held of the others takes its place.
func (o *Org) endPosts(ctx context.Context, tx *store.Tx, person string, now store.Time, ending ...Post) error {
	var ids []string
	for _, p := range ending {
		p.Until, p.Main = now, false
		if err := savePost(ctx, tx, p); err != nil {
			return err
		}
		ids = append(ids, p.ID)
	}
	if err := spanPosts(ctx, tx, now, ids...); err != nil {
		return err
	}
	if err := o.authz.DropPosts(ctx, tx, ids); err != nil {
		return err
	}
	rest, err := posts(ctx, tx, store.C("p.person = $1 AND p.until_at = 0", person))
	if err != nil {
		return err
	}
	if len(rest) > 0 && !rest[0].Main {
		return o.makeMain(ctx, tx, person, rest[0].ID, now)
	}
	if err := resort(ctx, tx, store.C("id = $1", person)); err != nil {
		return err
	}
	return o.tellPosts(ctx, tx, person)
}

type addPostIn struct {
	ID   string `path:"id" maxLength:"40" doc:"the person"`
	Body struct {
		Unit string `json:"unit" minLength:"1" maxLength:"40"`
		PostForm
		Main  bool   `json:"main" required:"false"`
		Since string `json:"since" required:"false" maxLength:"10" doc:"the day it began, today when empty"`
	}
}

func (o *Org) addPost(ctx context.Context, in *addPostIn) (*idOut, error) {
	post := Post{ID: id.New(), Person: in.ID, Unit: in.Body.Unit, Main: in.Body.Main}
	if err := in.Body.PostForm.apply(&post); err != nil {
		return nil, err
	}
	err := o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.post_begin", Object: "org_post", ID: post.ID, Personal: true, Subjects: 1,
			Detail: map[string]any{"person": in.ID, "unit": post.Unit, "title": post.Title, "main": post.Main}}
		p, err := onePerson(ctx, tx, store.C("e.id = $1", in.ID))
		if err != nil {
			return e, err
		}
		e.Title = p.Name
		if !p.Active() {
			return e, errs.New(errs.Invalid, "org.person_left", p.Name)
		}
		if p.Unit == "" || post.Main { // who administers the person changes: the one who does now must agree
			if err := mayUnit(ctx, tx, p.Unit); err != nil {
				return e, err
			}
			post.Main = true
		}
		return e, o.begin(ctx, tx, &post, in.Body.Since, now)
	})
	return made(post.ID), err
}

type postIn struct {
	ID string `path:"id" maxLength:"40"`
}

type updatePostIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		PostForm
		Version int64 `json:"version" minimum:"1"`
	}
}

// changePost finds a lasting post the caller may change and runs fn with it.
func (o *Org) changePost(ctx context.Context, post, action string, fn func(ctx context.Context, tx *store.Tx, p Post, e *audit.Entry, now store.Time) error) error {
	return o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: action, Object: "org_post", ID: post, Personal: true, Subjects: 1}
		p, err := o.Post(ctx, tx, post)
		if err != nil {
			return e, err
		}
		if err := mayUnit(ctx, tx, p.Unit); err != nil {
			return e, err
		}
		if !p.Current() {
			return e, errs.New(errs.Conflict, "org.post_ended", p.Title)
		}
		who, err := onePerson(ctx, tx, store.C("e.id = $1", p.Person))
		if err != nil {
			return e, err
		}
		e.Title, e.Detail = who.Name, map[string]any{"person": p.Person, "unit": p.Unit, "title": p.Title}
		return e, fn(ctx, tx, p, &e, now)
	})
}

func (o *Org) updatePost(ctx context.Context, in *updatePostIn) (*unitDone, error) {
	err := o.changePost(ctx, in.ID, "org.post_update", func(ctx context.Context, tx *store.Tx, p Post, e *audit.Entry, now store.Time) error {
		if err := in.Body.PostForm.apply(&p); err != nil {
			return err
		}
		e.Detail["after"], e.Detail["rank"], e.Detail["leader"] = p.Title, p.Rank, p.Leader
		p.Version = in.Body.Version
		if err := savePost(ctx, tx, p); err != nil {
			return err
		}
		if err := spanPosts(ctx, tx, now, p.ID); err != nil {
			return err
		}
		if err := resort(ctx, tx, store.C("id = $1", p.Person)); err != nil {
			return err
		}
		return o.tellPosts(ctx, tx, p.Person)
	})
	return done(in.ID, in.Body.Version+1), err
}

func (o *Org) endPost(ctx context.Context, in *postIn) (*struct{}, error) {
	return nil, o.changePost(ctx, in.ID, "org.post_end", func(ctx context.Context, tx *store.Tx, p Post, _ *audit.Entry, now store.Time) error {
		return o.endPosts(ctx, tx, p.Person, now, p)
	})
}

func (o *Org) mainPost(ctx context.Context, in *postIn) (*struct{}, error) {
	return nil, o.changePost(ctx, in.ID, "org.post_main", func(ctx context.Context, tx *store.Tx, p Post, _ *audit.Entry, now store.Time) error {
		who, err := onePerson(ctx, tx, store.C("e.id = $1", p.Person))
		if err != nil {
			return err
		}
		if err := mayUnit(ctx, tx, who.Unit); err != nil { // he is administered by the main post's unit
			return err
		}
		return o.makeMain(ctx, tx, p.Person, p.ID, now)
	})
}

// PostSpan is who stood where.
type PostSpan struct {
	Post     string     `json:"post"`
	Person   string     `json:"person"`
	Name     string     `json:"name"`
	Unit     string     `json:"unit"`
	UnitName string     `json:"unitName" doc:"as the unit was called then"`
	Title    string     `json:"title"`
	Rank     int        `json:"rank"`
	Leader   bool       `json:"leader"`
	Main     bool       `json:"main"`
	From     store.Time `json:"from"`
	Until    store.Time `json:"until" doc:"null while it lasts"`
}

type staffIn struct {
	ID   string `path:"id" maxLength:"40" doc:"the unit"`
	AsOf string `query:"asOf" maxLength:"10" required:"true" doc:"at the end of that day, 2022-12-31"`
}

type staffOut struct {
	Body struct {
		Items []PostSpan `json:"items" nullable:"false" doc:"at most 1000, leaders first"`
	}
}

// unitStaff lists who stood in a unit on a day.
func (o *Org) unitStaff(ctx context.Context, in *staffIn) (*staffOut, error) {
	at, err := asOf(in.AsOf)
	if err != nil {
		return nil, err
	}
	cond := store.And(store.C("s.unit_id = $1", in.ID), unitScope(ctx, "s.unit_id", "").Cond())
	all, err := store.All(ctx, o.db, func(s *PostSpan) []any {
		return []any{&s.Post, &s.Person, &s.Name, &s.Unit, &s.UnitName, &s.Title, &s.Rank, &s.Leader, &s.Main, &s.From, &s.Until}
	}, `SELECT s.post_id, s.person, e.name, s.unit_id, COALESCE((SELECT v.name FROM org_unit_span v WHERE v.unit_id = s.unit_id AND `+then("v", at)+`), ''),
		s.title, s.rank, s.leader, s.main, s.from_at, s.until_at FROM org_post_span s JOIN org_person e ON e.id = s.person
		WHERE `+then("s", at)+` AND `+cond.SQL+` ORDER BY s.rank, e.pinyin, s.post_id LIMIT 1000`, cond.Args...)
	out := &staffOut{}
	if out.Body.Items = all; all == nil {
		out.Body.Items = []PostSpan{}
	}
	return out, err
}
