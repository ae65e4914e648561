package org

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// PersonItem is a person as the address book shows him: the mobile number masked, a leader's hidden.
type PersonItem struct {
	Person
	Mobile       string `json:"mobile" doc:"masked; empty when there is none or it is hidden"`
	MobileHidden bool   `json:"mobileHidden" doc:"a leader's number the caller may not see"`
	MobileWhole  bool   `json:"mobileWhole" doc:"the caller may ask for the whole number"`
	Posts        []Post `json:"posts" nullable:"false" doc:"current ones, the main one first"`
}

type peopleIn struct {
	store.Page
	Unit   string `query:"unit" maxLength:"40" doc:"who holds a post in this unit"`
	Below  bool   `query:"below" doc:"or below it"`
	Text   string `query:"q" maxLength:"40" doc:"name, pinyin, initials or staff number"`
	Active string `query:"active" enum:"yes,no,all" default:"yes" doc:"who has not left, has left, both"`
}

type peopleOut struct{ Body store.Listed[PersonItem] }

// peopleScope is the reach over persons.
func peopleScope(ctx context.Context) store.Scope {
	return authz.WhereCols(ctx, "org.read", authz.Cols{Unit: "e.unit_id", Street: "u.street", Owner: "e.id", Sections: true})
}

// conds are the filters of a list of people.
func (in *peopleIn) conds() []store.Cond {
	var out []store.Cond
	switch {
	case in.Unit != "" && in.Below:
		out = append(out, store.C(`e.id IN (SELECT p.person FROM org_post p JOIN org_below b ON b.below = p.unit_id WHERE b.unit = $1 AND p.until_at = 0)`, in.Unit))
	case in.Unit != "":
		out = append(out, store.C(`e.id IN (SELECT p.person FROM org_post p WHERE p.unit_id = $1 AND p.until_at = 0)`, in.Unit))
	}
	if text := strings.Join(strings.Fields(in.Text), ""); text != "" {
		out = append(out, personText(text))
	}
	switch in.Active {
	case "no":
		out = append(out, store.C("e.left_at > 0"))
	case "all":
	default:
		out = append(out, store.C("e.left_at = 0"))
	}
	return out
}

func (o *Org) listPeople(ctx context.Context, in *peopleIn) (*peopleOut, error) {
	l, err := store.List(ctx, o.db, store.Query[Person]{Select: `SELECT ` + personColumns + personFrom, Scope: peopleScope(ctx), Where: in.conds(),
		Keys: []string{"e.sort"}, Page: in.Page, Scan: scanPerson, Cursor: func(p *Person) []any { return []any{p.sort} }})
	if err != nil {
		return nil, err
	}
	items, err := o.items(ctx, l.Items)
	return &peopleOut{store.Listed[PersonItem]{Items: items, Next: l.Next}}, err
}

// items adds numbers and posts.
func (o *Org) items(ctx context.Context, all []Person) ([]PersonItem, error) {
	out := make([]PersonItem, 0, len(all))
	see, err := o.sight(ctx, o.db)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.ID
	}
	byPerson := map[string][]Post{}
	held, err := posts(ctx, o.db, store.And(store.C("p.until_at = 0"), store.In("p.person", ids)))
	if err != nil {
		return nil, err
	}
	for _, p := range held {
		byPerson[p.Person] = append(byPerson[p.Person], p)
	}
	me := authz.From(ctx).Person
	for _, p := range all {
		item := PersonItem{Person: p, Posts: byPerson[p.ID]}
		if item.Posts == nil {
			item.Posts = []Post{}
		}
		if item.Mobile, err = o.masked(ctx, see, p); err != nil {
			return nil, err
		}
		item.MobileHidden, item.MobileWhole = p.sealed != "" && see.hidden(me, p), p.sealed != "" && see.whole(me, p)
		out = append(out, item)
	}
	return out, nil
}

type personIn struct {
	ID string `path:"id" maxLength:"40"`
}

type personOut struct {
	Body struct {
		PersonItem
		Past    []Post       `json:"past" nullable:"false" doc:"posts that have ended"`
		Groups  []Membership `json:"groups" nullable:"false"`
		MayEdit bool         `json:"mayEdit"`
	}
}

func (o *Org) showPerson(ctx context.Context, in *personIn) (*personOut, error) {
	p, err := onePerson(ctx, o.db, store.And(store.C("e.id = $1", in.ID), peopleScope(ctx).Cond()))
	if err != nil {
		return nil, err
	}
	items, err := o.items(ctx, []Person{p})
	if err != nil {
		return nil, err
	}
	out := &personOut{}
	out.Body.PersonItem = items[0]
	if out.Body.Past, err = posts(ctx, o.db, store.C("p.person = $1 AND p.until_at > 0", p.ID)); err != nil {
		return nil, err
	}
	if out.Body.Past == nil {
		out.Body.Past = []Post{}
	}
	if out.Body.Groups, err = memberships(ctx, o.db, p.ID); err != nil {
		return nil, err
	}
	err = mayUnit(ctx, o.db, p.Unit)
	out.Body.MayEdit = err == nil
	if errs.Is(err, errs.Denied) {
		err = nil
	}
	return out, err
}

type mobileOut struct {
	Body struct {
		Mobile string `json:"mobile"`
	}
}

// showMobile gives one whole number; every look is in the audit.
func (o *Org) showMobile(ctx context.Context, in *personIn) (*mobileOut, error) {
	p, err := onePerson(ctx, o.db, store.And(store.C("e.id = $1", in.ID), peopleScope(ctx).Cond()))
	if err != nil {
		return nil, err
	}
	see, err := o.sight(ctx, o.db)
	if err != nil {
		return nil, err
	}
	if !see.whole(authz.From(ctx).Person, p) {
		return nil, errs.New(errs.Denied, "org.mobile_denied", p.Name)
	}
	out := &mobileOut{}
	if out.Body.Mobile, err = o.open(p); err != nil {
		return nil, err
	}
	return out, o.audit.Note(ctx, audit.Entry{Action: "org.see_mobile", Object: "org_person", ID: p.ID, Title: p.Name, Personal: true, Subjects: 1})
}

type createPersonIn struct {
	Body struct {
		PersonForm
		Mobile string `json:"mobile" required:"false" maxLength:"20"`
		Unit   string `json:"unit" minLength:"1" maxLength:"40" doc:"unit of the main post"`
		PostForm
		Since string `json:"since" required:"false" maxLength:"10" doc:"the day the post began, today when empty"`
	}
}

func (o *Org) createPerson(ctx context.Context, in *createPersonIn) (*idOut, error) {
	p := Person{ID: id.New()}
	post := Post{ID: id.New(), Person: p.ID, Unit: in.Body.Unit, Main: true}
	if err := in.Body.PersonForm.apply(&p); err != nil {
		return nil, err
	}
	if err := in.Body.PostForm.apply(&post); err != nil {
		return nil, err
	}
	mobile, err := mobileNo(in.Body.Mobile)
	if err != nil {
		return nil, err
	}
	var index string
	p.sealed, index = o.seal(p.ID, mobile)
	err = o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.person_create", Object: "org_person", ID: p.ID, Title: p.Name, Personal: true, Subjects: 1, Detail: map[string]any{"unit": post.Unit, "title": post.Title}}
		if err := staffTaken(ctx, tx, p); err != nil {
			return e, err
		}
		if err := insertPerson(ctx, tx, p, index, now); err != nil {
			return e, err
		}
		if err := o.begin(ctx, tx, &post, in.Body.Since, now); err != nil {
			return e, err
		}
		return e, o.tellPeople(ctx, tx, p.ID)
	})
	return made(p.ID), err
}

type updatePersonIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		PersonForm
		Mobile  *string `json:"mobile" required:"false" maxLength:"20" doc:"unchanged when missing, deleted when empty"`
		Version int64   `json:"version" minimum:"1"`
	}
}

func (o *Org) updatePerson(ctx context.Context, in *updatePersonIn) (*unitDone, error) {
	var mobile, sealed, index string
	if in.Body.Mobile != nil {
		var err error
		if mobile, err = mobileNo(*in.Body.Mobile); err != nil {
			return nil, err
		}
		sealed, index = o.seal(in.ID, mobile)
	}
	err := o.changePerson(ctx, in.ID, in.Body.Version, "org.person_update", func(ctx context.Context, tx *store.Tx, p *Person, e *audit.Entry, _ store.Time) error {
		before := *p
		if err := in.Body.PersonForm.apply(p); err != nil {
			return err
		}
		e.Detail = changedFields(before, *p, in.Body.Mobile != nil)
		if err := staffTaken(ctx, tx, *p); err != nil {
			return err
		}
		if in.Body.Mobile != nil {
			return saveMobile(ctx, tx, p.ID, sealed, index)
		}
		return nil
	})
	return done(in.ID, in.Body.Version+1), err
}

// changedFields names what was changed, with the values that are no secret.
func changedFields(a, b Person, mobile bool) map[string]any {
	out := map[string]any{}
	for _, f := range []struct{ name, a, b string }{{"name", a.Name, b.Name}, {"sex", a.Sex, b.Sex}, {"staffNo", a.StaffNo, b.StaffNo}, {"officePhone", a.OfficePhone, b.OfficePhone}} {
		if f.a != f.b {
			out[f.name] = []string{f.a, f.b}
		}
	}
	if mobile {
		out["mobile"] = true
	}
	return out
}

// changePerson finds a person the caller may change (by the unit of the main post), lets fn change him,
// and saves him over version.
func (o *Org) changePerson(ctx context.Context, person string, version int64, action string, fn func(context.Context, *store.Tx, *Person, *audit.Entry, store.Time) error) error {
	return o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: action, Object: "org_person", ID: person, Personal: true, Subjects: 1}
		p, err := onePerson(ctx, tx, store.C("e.id = $1", person))
		if err != nil {
			return e, err
		}
		if err := mayUnit(ctx, tx, p.Unit); err != nil {
			return e, err
		}
		if err := fn(ctx, tx, &p, &e, now); err != nil {
			return e, err
		}
		e.Title, p.Version = p.Name, version
		if err := savePerson(ctx, tx, p); err != nil {
			return e, err
		}
		if err := resort(ctx, tx, store.C("id = $1", p.ID)); err != nil {
			return e, err
		}
		return e, o.tellPeople(ctx, tx, p.ID)
	})
}

type leaveIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Reason  string `json:"reason" required:"false" maxLength:"200"`
		Version int64  `json:"version" minimum:"1"`
	}
}

// leave ends all posts and memberships of a person who leaves.
func (o *Org) leave(ctx context.Context, in *leaveIn) (*unitDone, error) {
	err := o.changePerson(ctx, in.ID, in.Body.Version, "org.leave", func(ctx context.Context, tx *store.Tx, p *Person, e *audit.Entry, now store.Time) error {
		if !p.Active() {
			return errs.New(errs.Conflict, "org.left_already", p.Name)
		}
		p.Left = now
		held, err := posts(ctx, tx, store.C("p.person = $1 AND p.until_at = 0", p.ID))
		if err != nil {
			return err
		}
		left := Left{Person: p.ID, Posts: []string{}}
		for _, post := range held {
			left.Posts = append(left.Posts, post.ID)
		}
		if err := o.endPosts(ctx, tx, p.ID, now, held...); err != nil {
			return err
		}
		if err := endMemberships(ctx, tx, p.ID, now); err != nil {
			return err
		}
		e.Detail = map[string]any{"posts": left.Posts, "reason": strings.TrimSpace(in.Body.Reason)}
		return o.bus.Emit(ctx, tx, "org.left", left)
	})
	return done(in.ID, in.Body.Version+1), err
}

type returnIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Unit string `json:"unit" minLength:"1" maxLength:"40"`
		PostForm
		Since   string `json:"since" required:"false" maxLength:"10"`
		Version int64  `json:"version" minimum:"1"`
	}
}

// comeBack gives a person who has left a new main post.
func (o *Org) comeBack(ctx context.Context, in *returnIn) (*unitDone, error) {
	post := Post{ID: id.New(), Person: in.ID, Unit: in.Body.Unit, Main: true}
	if err := in.Body.PostForm.apply(&post); err != nil {
		return nil, err
	}
	err := o.changePerson(ctx, in.ID, in.Body.Version, "org.return", func(ctx context.Context, tx *store.Tx, p *Person, e *audit.Entry, now store.Time) error {
		if p.Active() {
			return errs.New(errs.Conflict, "org.not_left", p.Name)
		}
		p.Left = store.Time{}
		e.Detail = map[string]any{"unit": post.Unit, "title": post.Title}
		return o.begin(ctx, tx, &post, in.Body.Since, now)
	})
	return done(in.ID, in.Body.Version+1), err
}
