package identity

import (
	"cmp"
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// MePerson is who is signed in.
type MePerson struct {
	ID      string `json:"id" doc:"of the org; an administrator's and a program's is its account"`
	Name    string `json:"name"`
	Account string `json:"account" doc:"what one signs in with"`
}

// MeUnit is the unit of a post, or the body it belongs to.
type MeUnit struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// MePost is a capacity in which one acts.
type MePost struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Unit  MeUnit `json:"unit" doc:"of the post, which may be a section"`
	Home  MeUnit `json:"home" doc:"the body that answers for the unit: itself, or the nearest above that is no section"`
}

// MenuItem is one entry of the menu, in the caller's language.
type MenuItem struct {
	Room   string `json:"room"`
	Pillar string `json:"pillar"`
	Name   string `json:"name" doc:"unique in the room"`
	Path   string `json:"path"`
	Title  string `json:"title"`
	Perm   string `json:"perm"`
	Rank   int    `json:"rank"`
}

// MeAsked is a new activation code that somebody asked for, for the caller's own account. He may refuse it.
type MeAsked struct {
	Account string     `json:"account" doc:"id to refuse it by"`
	By      string     `json:"by"`
	Why     string     `json:"why"`
	Until   store.Time `json:"until"`
}

// Me is who is signed in, in which post, with what rights.
type Me struct {
	Person             MePerson   `json:"person"`
	Post               *MePost    `json:"post" doc:"null for an administrator and for somebody without a post"`
	Posts              []MePost   `json:"posts" nullable:"false"`
	Admin              string     `json:"admin" doc:"system, security, audit or empty"`
	Perms              []string   `json:"perms" nullable:"false"`
	Menu               []MenuItem `json:"menu" nullable:"false"`
	MustChangePassword bool       `json:"mustChangePassword"`
	MustEnrollTotp     bool       `json:"mustEnrollTotp"`
	HasTotp            bool       `json:"hasTotp"`
	TotpRequired       bool       `json:"totpRequired" doc:"the rules do not let this account go without a second factor"`
	PasswordDaysLeft   int        `json:"passwordDaysLeft" doc:"days until the password expires, -1 for never"`
	PasswordWarn       bool       `json:"passwordWarn" doc:"it expires soon"`
	Asked              *MeAsked   `json:"asked,omitempty"`
	Lang               string     `json:"lang"`
	Demo               bool       `json:"demo"`
	District           string     `json:"district"`
}

type meOut struct{ Body Me }

// getMe answers whoever is signed in, and who has only a step of signing in before him: then without
// posts, rights and menu.
func (i *Identity) getMe(ctx context.Context, _ *struct{}) (*meOut, error) {
	me, c := room.ActorOf(ctx), held(ctx)
	if me == nil && (c == nil || c.State == string(StepTOTP)) {
		return nil, errs.New(errs.Unsigned, "web.unsigned")
	}
	out := &meOut{Me{Posts: []MePost{}, Perms: []string{}, Menu: []MenuItem{}, PasswordDaysLeft: -1, Lang: web.From(ctx).Lang, Demo: i.opts.Demo, District: i.opts.District}}
	b := &out.Body
	if c != nil {
		a, err := findAccount(ctx, i.DB, c.Account)
		if err != nil {
			return nil, err
		}
		r := i.rules(ctx)
		b.Person, b.Admin = MePerson{a.who(), a.Name, a.Login}, string(a.Admin)
		b.HasTotp, b.TotpRequired, b.PasswordDaysLeft = a.TOTP != "", a.needsTOTP(r), a.daysLeft(r, i.Now())
		b.PasswordWarn = b.PasswordDaysLeft >= 0 && b.PasswordDaysLeft <= r.warn
		if me != nil && a.isAsked(i.Now()) {
			b.Asked = &MeAsked{a.ID, a.AskedName, a.AskedWhy, store.At(a.AskedAt.Add(askedFor))}
		}
		b.MustChangePassword, b.MustEnrollTotp = c.State == string(StepChange), c.State == string(StepEnroll)
	}
	if me == nil {
		return out, nil
	}
	if c == nil {
		b.Person, b.Admin = MePerson{me.Person, me.Name, me.Account}, string(me.Admin)
	}
	if err := i.fillPosts(ctx, me, b); err != nil {
		return nil, err
	}
	for p := range me.Grants {
		if me.Can(p) {
			b.Perms = append(b.Perms, p)
		}
	}
	slices.Sort(b.Perms)
	b.Menu = i.menu(ctx, me)
	return out, nil
}

func (i *Identity) fillPosts(ctx context.Context, me *room.Actor, b *Me) error {
	if me.Admin != "" {
		return nil
	}
	posts, err := i.People.Posts(ctx, i.DB, me.Person)
	for _, p := range posts {
		post := MePost{p.ID, p.Title, MeUnit{p.Unit, p.UnitName}, MeUnit{p.Home, p.HomeName}}
		b.Posts = append(b.Posts, post)
		if p.ID == me.Post {
			b.Post = &post
		}
	}
	return err
}

// Menu is what the actor of ctx may use of every room's entries, in his language.
func (i *Identity) Menu(ctx context.Context) []MenuItem { return i.menu(ctx, authz.From(ctx)) }

// menu is what the caller may use of every room's entries, one for each path.
func (i *Identity) menu(ctx context.Context, me *room.Actor) []MenuItem {
	out, seen := []MenuItem{}, map[string]bool{}
	for _, r := range i.rooms {
		for _, m := range r.Menu {
			if seen[m.Path] || m.Perm != room.Open && m.Perm != room.Signed && !me.Can(m.Perm) {
				continue
			}
			seen[m.Path] = true
			out = append(out, MenuItem{r.Name, string(r.Pillar), m.Name, m.Path, i.words.Text(web.From(ctx).Lang, "menu."+r.Name+"."+m.Name), m.Perm, m.Rank})
		}
	}
	slices.SortStableFunc(out, func(a, b MenuItem) int { return cmp.Compare(a.Rank, b.Rank) })
	return out
}

// RulesShown are the password rules for the caller, or for everybody before signing in.
type RulesShown struct {
	MinLength       int  `json:"minLength" doc:"characters"`
	AdminMinLength  int  `json:"adminMinLength" doc:"characters, for administrators"`
	Classes         int  `json:"classes" doc:"how many of lower case, upper case, digits, others"`
	History         int  `json:"history" doc:"so many of the last may not come back"`
	MaxAgeDays      int  `json:"maxAgeDays" doc:"0: never expires"`
	WarnDays        int  `json:"warnDays"`
	DenyNames       bool `json:"denyNames" doc:"login, name, phone and unit may not stand in it"`
	IdleMinutes     int  `json:"idleMinutes" doc:"after so long without use the caller's session ends"`
	AbsoluteHours   int  `json:"absoluteHours" doc:"after so long any session ends"`
	ActivationHours int  `json:"activationHours" doc:"so long an activation code is good"`
}

type rulesOut struct{ Body RulesShown }

func (i *Identity) getRules(ctx context.Context, _ *struct{}) (*rulesOut, error) {
	r, admin := i.rules(ctx), false
	if c := held(ctx); c != nil {
		admin = c.Admin != ""
	} else {
		needed, err := i.setupNeeded(ctx)
		if err != nil {
			return nil, err
		}
		admin = needed // the passwords chosen next are the administrators'
	}
	out := &rulesOut{RulesShown{MinLength: r.MinLen, AdminMinLength: max(r.MinLen, r.AdminMinLen), Classes: r.Classes, History: r.history, MaxAgeDays: r.maxAge, WarnDays: r.warn,
		DenyNames: r.DenyContains, IdleMinutes: int(r.idle.Minutes()), AbsoluteHours: int(r.absolute.Hours()), ActivationHours: int(r.activation.Hours())}}
	if admin {
		out.Body.MinLength, out.Body.IdleMinutes = out.Body.AdminMinLength, int(r.adminIdle.Minutes())
	}
	return out, nil
}

type postIn struct {
	Body struct {
		PostID string `json:"postId" minLength:"1" maxLength:"64"`
	}
}

// postPost lets a person act in another of his posts from now on, in this session.
func (i *Identity) postPost(ctx context.Context, in *postIn) (*struct{}, error) {
	c, err := ownSession(ctx)
	if err != nil {
		return nil, err
	}
	return nil, i.mine(ctx, c, func(ctx context.Context, tx *store.Tx, a *account, s *session) error {
		posts, err := i.People.Posts(ctx, tx, a.Person)
		if err != nil {
			return err
		}
		p := acting(posts, in.Body.PostID)
		if a.Person == "" || p == nil || p.ID != in.Body.PostID {
			return errs.New(errs.Invalid, "identity.not_your_post")
		}
		s.Post = p.ID
		if err := saveSession(ctx, tx, *s); err != nil {
			return err
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.post", Object: "identity_session", ID: s.ID, Title: p.UnitName + " " + p.Title, Detail: map[string]any{"post": p.ID, "unit": p.Unit}})
	})
}

// SessionShown is one sign-in of the caller.
type SessionShown struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"pc,mobile"`
	Device    string     `json:"device" doc:"browser and system"`
	IP        string     `json:"ip"`
	CreatedAt store.Time `json:"createdAt"`
	SeenAt    store.Time `json:"seenAt"`
	Current   bool       `json:"current" doc:"the one this request came with"`
}

type sessionsOut struct {
	Body struct {
		Items []SessionShown `json:"items" nullable:"false"`
	}
}

func (i *Identity) getSessions(ctx context.Context, _ *struct{}) (*sessionsOut, error) {
	c, err := ownSession(ctx)
	if err != nil {
		return nil, err
	}
	all, err := liveSessions(ctx, i.DB, c.Account)
	if err != nil {
		return nil, err
	}
	out, life := &sessionsOut{}, i.lifetimes(ctx, room.Admin(c.Admin))
	out.Body.Items = []SessionShown{}
	for _, s := range slices.Backward(all) {
		s.Seen = store.At(i.marks.last(s.ID, s.Seen.Time))
		if s.State == stateFull && s.expiry(life, i.Now()) == "" {
			out.Body.Items = append(out.Body.Items, SessionShown{s.ID, s.Kind, s.Device, s.IP, s.Created, s.Seen, s.ID == c.ID})
		}
	}
	return out, nil
}

type idIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (i *Identity) deleteSession(ctx context.Context, in *idIn) (*struct{}, error) {
	c, err := ownSession(ctx)
	if err != nil {
		return nil, err
	}
	return nil, i.mine(ctx, c, func(ctx context.Context, tx *store.Tx, a *account, _ *session) error {
		s, err := liveSession(ctx, tx, in.ID)
		if err != nil || s.Account != a.ID {
			return errs.New(errs.Missing, "identity.no_session")
		}
		other := a.caller(s)
		return i.end(ctx, tx, &other, reasonRevoked, "", a.actor(c.ID))
	})
}
