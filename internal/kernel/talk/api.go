package talk

import (
	"context"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/notify"
)

type threadIn struct {
	store.Page
	Room   string `query:"room" required:"true" maxLength:"40"`
	Object string `query:"object" required:"true" maxLength:"60"`
}

// View is a page of a thread, its newest message last; the cursor leads to older ones.
type View struct {
	store.Listed[Message]
	Thread string `json:"thread" doc:"empty while nobody has said anything"`
	Read   int64  `json:"read" doc:"number of the last message the caller has read"`
	Unread int    `json:"unread" doc:"messages of others after it"`
}

type threadOut struct{ Body View }

func (t *Talk) thread(ctx context.Context, in *threadIn) (*threadOut, error) {
	if err := t.may(ctx, in.Room, in.Object); err != nil {
		return nil, err
	}
	th, err := threadOf(ctx, t.DB, in.Room, in.Object)
	if err != nil {
		return nil, err
	}
	out := &threadOut{View{Thread: th.ID}}
	out.Body.Listed, err = store.List(ctx, t.DB, store.Query[Message]{Select: selectMessage, Scope: store.Scoped(store.C("thread = $1", th.ID)),
		Keys: []string{"seq"}, Desc: true, Page: in.Page, Scan: scan, Cursor: func(m *Message) []any { return []any{m.Seq} }})
	if err != nil {
		return nil, err
	}
	slices.Reverse(out.Body.Items)
	if err := t.name(ctx, t.DB, th, out.Body.Items); err != nil {
		return nil, err
	}
	me := authz.From(ctx).Person
	if out.Body.Read, err = marked(ctx, t.DB, th.ID, me); err != nil {
		return nil, err
	}
	out.Body.Unread, err = unread(ctx, t.DB, th.ID, me, out.Body.Read)
	return out, err
}

// name writes the names of who wrote and who is mentioned, and those of the files.
func (t *Talk) name(ctx context.Context, q store.Queryer, th thread, all []Message) error {
	var ids []string
	for _, m := range all {
		ids = append(append(ids, m.Author), m.Mentions.V...)
	}
	slices.Sort(ids)
	known, err := t.Org.People(ctx, q, slices.Compact(ids))
	if err != nil {
		return err
	}
	files, err := t.filesOf(ctx, q, th, all)
	for i := range all {
		m := &all[i]
		m.Name, m.Named, m.Attached = known[m.Author].Name, []Named{}, []Attached{}
		for _, id := range m.Files.V {
			if f, ok := files[id]; ok {
				m.Attached = append(m.Attached, Attached{f.ID, f.Name, f.Size, f.Media})
			}
		}
		for _, p := range m.Mentions.V {
			m.Named = append(m.Named, Named{p, known[p].Name})
		}
	}
	return err
}

// filesOf are the files of the object by their ids, where a message names any.
func (t *Talk) filesOf(ctx context.Context, q store.Queryer, th thread, all []Message) (map[string]file.File, error) {
	out := map[string]file.File{}
	if !slices.ContainsFunc(all, func(m Message) bool { return len(m.Files.V) > 0 }) {
		return out, nil
	}
	have, err := t.Files.Of(ctx, q, th.Room, th.Object)
	for _, f := range have {
		out[f.ID] = f
	}
	return out, err
}

type sendIn struct {
	Body struct {
		Room     string   `json:"room" minLength:"1" maxLength:"40"`
		Object   string   `json:"object" minLength:"1" maxLength:"60"`
		Client   string   `json:"client" minLength:"1" maxLength:"60" doc:"id the sender gives the message: sent twice, it is said once"`
		Text     string   `json:"text" maxLength:"4000"`
		Mentions []string `json:"mentions,omitempty" maxItems:"50" doc:"persons"`
		Files    []string `json:"files,omitempty" maxItems:"9" doc:"files of the object, or just uploaded by the sender"`
	}
}

type messageOut struct{ Body Message }

func (t *Talk) send(ctx context.Context, in *sendIn) (*messageOut, error) {
	b, me := &in.Body, authz.From(ctx)
	if me.Person == "" {
		return nil, errs.New(errs.Missing, "store.missing")
	}
	if err := t.may(ctx, b.Room, b.Object); err != nil {
		return nil, err
	}
	// PostgreSQL refuses NUL and broken UTF-8 in a text.
	b.Text = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(b.Text, "\x00", ""), ""))
	if b.Text == "" && len(b.Files) == 0 {
		return nil, errs.New(errs.Invalid, "talk.empty")
	}
	one := make([]Message, 1)
	err := t.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "talk", b.Room+"/"+b.Object); err != nil {
			return err
		}
		th, err := threadOf(ctx, tx, b.Room, b.Object)
		if err != nil {
			return err
		}
		e := audit.Entry{Action: "talk.send", Object: "talk_message", Detail: map[string]any{"room": b.Room, "object": b.Object}}
		one[0], err = store.One(ctx, tx, scan, selectMessage+` WHERE thread = $1 AND author = $2 AND client = $3`, th.ID, me.Person, b.Client)
		switch {
		case err == nil:
			e.Detail["again"] = true
		case errs.Is(err, errs.Missing):
			if err := t.write(ctx, tx, &th, in, &one[0]); err != nil {
				return err
			}
		default:
			return err
		}
		if err := t.name(ctx, tx, th, one); err != nil {
			return err
		}
		e.ID = one[0].ID
		return t.Audit.Record(ctx, tx, e)
	})
	if err != nil {
		return nil, err
	}
	return &messageOut{one[0]}, nil
}

// write adds a message to th, marks who takes part, and tells who is mentioned.
func (t *Talk) write(ctx context.Context, tx *store.Tx, th *thread, in *sendIn, m *Message) error {
	b, me, now := &in.Body, authz.From(ctx), store.At(t.Now())
	slices.Sort(b.Mentions)
	b.Mentions = slices.Compact(b.Mentions)
	if err := t.mentionable(ctx, tx, b.Room, b.Object, b.Mentions); err != nil {
		return err
	}
	claimed, err := t.attach(ctx, tx, b.Room, b.Object, b.Files)
	if err != nil {
		return err
	}
	if err := th.next(ctx, tx, now); err != nil {
		return err
	}
	*m = Message{ID: id.New(), Thread: th.ID, Seq: th.Seq, Client: b.Client, Author: me.Person, Text: b.Text, At: now}
	m.Mentions.V, m.Files.V, m.Claimed.V = append([]string{}, b.Mentions...), append([]string{}, b.Files...), claimed
	if err := insert(ctx, tx, m); err != nil {
		return err
	}
	if err := mark(ctx, tx, th.ID, me.Person, th.Seq, now); err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(b.Mentions), func(p string) bool { return p == me.Person })
	for _, p := range others {
		if err := mark(ctx, tx, th.ID, p, 0, now); err != nil {
			return err
		}
	}
	x := notify.Notice{To: others, Key: "talk.told", Args: []any{me.Name}, Object: "talk_message", ID: m.ID}
	if link := t.hosts[b.Room].link; link != nil {
		x.Link = link(b.Object)
	}
	if err := t.Notify.Send(ctx, tx, x); err != nil {
		return err
	}
	return t.tell(ctx, tx, *th)
}

// mentionable refuses who is not there any more and whom the room does not let see the object.
func (t *Talk) mentionable(ctx context.Context, tx *store.Tx, room, object string, people []string) error {
	known, err := t.Org.People(ctx, tx, people)
	if err != nil {
		return err
	}
	ask := t.hosts[room].mentions
	for _, p := range people {
		ok := known[p].ID != "" && known[p].Active()
		if ok && ask != nil {
			if ok, err = ask(ctx, tx, object, p); err != nil {
				return err
			}
		}
		if !ok {
			return errs.New(errs.Invalid, "talk.not_mentionable")
		}
	}
	return nil
}

// attach claims what was uploaded for this message and returns it; the rest must hang on the object already.
func (t *Talk) attach(ctx context.Context, tx *store.Tx, room, object string, files []string) (claimed []string, err error) {
	claimed = []string{}
	if len(files) == 0 {
		return claimed, nil
	}
	have, err := t.Files.Of(ctx, tx, room, object)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if slices.ContainsFunc(have, func(h file.File) bool { return h.ID == f }) || slices.Contains(claimed, f) {
			continue
		}
		if _, err := t.Files.Claim(ctx, tx, f, room, object); err != nil {
			return nil, err
		}
		claimed = append(claimed, f)
	}
	return claimed, nil
}

// detach takes away what came with a message that is taken back, unless another message names it too.
func (t *Talk) detach(ctx context.Context, tx *store.Tx, th thread, m *Message) error {
	if len(m.Claimed.V) == 0 {
		return nil
	}
	others, err := store.All(ctx, tx, scan, selectMessage+` WHERE thread = $1 AND seq > $2`, th.ID, m.Seq)
	if err != nil {
		return err
	}
	for _, id := range m.Claimed.V {
		if slices.ContainsFunc(others, func(o Message) bool { return slices.Contains(o.Files.V, id) }) {
			continue
		}
		if err := t.Files.Remove(ctx, tx, id, th.Room); err != nil && !errs.Is(err, errs.Missing) && !errs.Is(err, errs.Conflict) {
			return err
		}
	}
	return nil
}

type messageIn struct {
	ID string `path:"id" maxLength:"60"`
}

// message finds one the actor may read, with its thread.
func (t *Talk) message(ctx context.Context, id string) (Message, thread, error) {
	m, err := store.One(ctx, t.DB, scan, selectMessage+` WHERE id = $1`, id)
	if err != nil {
		return m, thread{}, err
	}
	th, err := threadByID(ctx, t.DB, m.Thread)
	if err != nil {
		return m, th, err
	}
	return m, th, t.may(ctx, th.Room, th.Object)
}

// recall takes back what a message said; that there was one stays to be seen.
func (t *Talk) recall(ctx context.Context, in *messageIn) (*messageOut, error) {
	m, th, err := t.message(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	within := t.Settings.Int(ctx, "talk.recall_seconds")
	now := store.At(t.Now())
	switch {
	case m.Author != authz.From(ctx).Person:
		return nil, errs.New(errs.Denied, "talk.not_yours")
	case !m.Recalled.IsZero():
		return nil, errs.New(errs.Conflict, "talk.recalled_already")
	case now.Sub(m.At.Time) > time.Duration(within)*time.Second:
		return nil, errs.New(errs.Conflict, "talk.too_late", within)
	}
	one := []Message{m}
	err = t.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		c := &one[0]
		if err := t.detach(ctx, tx, th, c); err != nil {
			return err
		}
		c.Text, c.Recalled, c.Mentions.V, c.Files.V = "", now, []string{}, []string{}
		err := store.ExecOne(ctx, tx, `UPDATE talk_message SET body = '', mentions = $1, files = $2, claimed = $3, recalled_at = $4 WHERE id = $5 AND recalled_at = 0`, c.Mentions, c.Files, c.Files, now, m.ID)
		if err != nil {
			return err
		}
		if err := t.name(ctx, tx, th, one); err != nil {
			return err
		}
		if err := t.tell(ctx, tx, th); err != nil {
			return err
		}
		return t.Audit.Record(ctx, tx, audit.Entry{Action: "talk.recall", Object: "talk_message", ID: m.ID, Detail: map[string]any{"room": th.Room, "object": th.Object}})
	})
	return &messageOut{one[0]}, err
}

type readIn struct {
	Body struct {
		Room   string `json:"room" maxLength:"40"`
		Object string `json:"object" maxLength:"60"`
		Seq    int64  `json:"seq" minimum:"0" doc:"number of the newest message the reader has before him"`
	}
}

type readOut struct {
	Body struct {
		Read   int64 `json:"read"`
		Unread int   `json:"unread"`
	}
}

func (t *Talk) read(ctx context.Context, in *readIn) (*readOut, error) {
	b, me := &in.Body, authz.From(ctx).Person
	if err := t.may(ctx, b.Room, b.Object); err != nil {
		return nil, err
	}
	out := &readOut{}
	return out, t.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		th, err := threadOf(ctx, tx, b.Room, b.Object)
		if err != nil || me == "" {
			return err
		}
		if th.ID == "" { // who has it before him hears of the first word
			if err := store.Lock(ctx, tx, "talk", b.Room+"/"+b.Object); err != nil {
				return err
			}
			if th, err = threadOf(ctx, tx, b.Room, b.Object); err != nil {
				return err
			}
			if th.ID == "" {
				if err := th.begin(ctx, tx, store.At(t.Now())); err != nil {
					return err
				}
			}
		}
		before, err := marked(ctx, tx, th.ID, me)
		if err != nil {
			return err
		}
		seq := min(b.Seq, th.Seq)
		if err := mark(ctx, tx, th.ID, me, seq, store.At(t.Now())); err != nil {
			return err
		}
		if seq > before { // the others see that it was read
			if err := t.tell(ctx, tx, th); err != nil {
				return err
			}
		}
		if out.Body.Read, err = marked(ctx, tx, th.ID, me); err != nil {
			return err
		}
		out.Body.Unread, err = unread(ctx, tx, th.ID, me, out.Body.Read)
		return err
	})
}

// Reader is somebody who takes part, and whether he has read the message.
type Reader struct {
	Named
	Read bool `json:"read"`
}

type readersOut struct {
	Body struct {
		Read  int      `json:"read" doc:"of those who take part, the author left out"`
		Of    int      `json:"of"`
		Items []Reader `json:"items" nullable:"false"`
	}
}

func (t *Talk) readers(ctx context.Context, in *messageIn) (*readersOut, error) {
	m, th, err := t.message(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	type place struct {
		person string
		seq    int64
	}
	all, err := store.All(ctx, t.DB, func(p *place) []any { return []any{&p.person, &p.seq} },
		`SELECT person, seq FROM talk_mark WHERE thread = $1 AND person <> $2 ORDER BY person`, th.ID, m.Author)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.person
	}
	known, err := t.Org.People(ctx, t.DB, ids)
	out := &readersOut{}
	out.Body.Of, out.Body.Items = len(all), []Reader{}
	for _, p := range all {
		r := Reader{Named{p.person, known[p.person].Name}, p.seq >= m.Seq}
		if r.Read {
			out.Body.Read++
		}
		out.Body.Items = append(out.Body.Items, r)
	}
	return out, err
}
