package talk_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/kernel/talk"
	"qushu/internal/room"
)

// A room whose one object "o1" everybody reads but the person "stranger", and about which Zhao may not be mentioned.
func probe(k *kernel.Kit) []*room.Room {
	k.Talk.Readers("probe", func(ctx context.Context, object string) error {
		if object != "o1" || authz.From(ctx).Person == "stranger" {
			return errs.New(errs.Missing, "store.missing")
		}
		return nil
	}, func(ctx context.Context, q store.Queryer, _, person string) (bool, error) {
		name, err := k.Org.PersonName(ctx, q, person)
		return name != "赵六", err
	}, func(object string) string { return "/probe/" + object })
	return []*room.Room{{Name: "probe", Pillar: room.Apps, Text: fstest.MapFS{
		"text/zh.json": {Data: []byte(`{"room.probe":"探针"}`)}, "text/en.json": {Data: []byte(`{"room.probe":"Probe"}`)}}}}
}

var houses = &kerneltest.Houses{Rooms: probe}

func people(t *testing.T, e *kerneltest.Env, names ...string) []*room.Actor {
	t.Helper()
	var u struct{ ID string }
	e.Get(t, e.Administrator(room.System), "POST /api/org/units", `{"name":"办公室","kind":"department"}`, &u)
	out := make([]*room.Actor, len(names))
	for i, name := range names {
		var p struct{ ID string }
		e.Get(t, e.Administrator(room.System), "POST /api/org/people", fmt.Sprintf(`{"name":%q,"unit":%q,"title":"干部"}`, name, u.ID), &p)
		out[i] = kerneltest.Actor(p.ID, u.ID, room.Unit)
		out[i].Name = name
	}
	return out
}

const list = "GET /api/talk/threads?room=probe&object=o1"

func say(client, text, more string) string {
	return fmt.Sprintf(`{"room":"probe","object":"o1","client":%q,"text":%q%s}`, client, text, more)
}

func TestThread(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		who := people(t, e, "张三", "李四", "赵六")
		zhang, li, zhao := who[0], who[1], who[2]
		stranger := kerneltest.Actor("stranger", "u9", room.Unit)
		const send, read = "POST /api/talk/messages", "POST /api/talk/read"
		e.Run(t, []kerneltest.Case{
			{Name: "nobody has spoken", As: zhang, Call: list, Status: 200, Want: []string{`"items":[]`, `"thread":""`, `"unread":0`}},
			{Name: "nothing to say", As: zhang, Call: send, Body: say("c0", " \n", ""), Status: 422},
			{Name: "a room without threads", As: zhang, Call: "GET /api/talk/threads?room=none&object=o1", Status: 404},
			{Name: "a stranger reads", As: stranger, Call: list, Status: 404},
			{Name: "a stranger writes", As: stranger, Call: send, Body: say("c1", "我也说", ""), Status: 404},
			{Name: "a stranger marks", As: stranger, Call: read, Body: `{"room":"probe","object":"o1","seq":1}`, Status: 404},
			{Name: "who may not be mentioned", As: zhang, Call: send, Body: say("c1", "请看", `,"mentions":["`+zhao.Person+`"]`), Status: 422},
			{Name: "who does not exist", As: zhang, Call: send, Body: say("c1", "请看", `,"mentions":["nobody"]`), Status: 422},
			{Name: "a file of elsewhere", As: zhang, Call: send, Body: say("c1", "请看", `,"files":["f1"]`), Status: 404},
			{Name: "a refused message took no number", As: zhang, Call: list, Status: 200, Want: []string{`"items":[]`}},
		})
		var m, again talk.Message
		e.Get(t, zhang, send, say("c1", "请看一下", `,"mentions":["`+li.Person+`"]`), &m)
		e.Get(t, zhang, send, say("c1", "请看一下", `,"mentions":["`+li.Person+`"]`), &again)
		if m.ID != again.ID || m.Seq != 1 || m.Name != "张三" || len(m.Named) != 1 || m.Named[0].Name != "李四" {
			t.Errorf("%+v\n%+v", m, again)
		}
		readers, recall := "GET /api/talk/messages/"+m.ID+"/readers", "POST /api/talk/messages/"+m.ID+"/recall"
		e.Run(t, []kerneltest.Case{
			{Name: "told once, with the link", As: li, Call: "GET /api/notify/count", Status: 200, Want: []string{`"count":1`}},
			{Name: "the link", As: li, Call: "GET /api/notify", Status: 200, Want: []string{"张三在讨论中提到了您", `"link":"/probe/o1"`}},
			{Name: "unread", As: li, Call: list, Status: 200, Want: []string{`"unread":1`, `"read":0`}},
			{Name: "one's own is read", As: zhang, Call: list, Status: 200, Want: []string{`"unread":0`, `"read":1`}},
			{Name: "nobody has read it", As: zhang, Call: readers, Status: 200, Want: []string{`"read":0`, `"of":1`, "李四"}},
			{Name: "a stranger asks who read", As: stranger, Call: readers, Status: 404},
			{Name: "a mark beyond the end", As: li, Call: read, Body: `{"room":"probe","object":"o1","seq":99}`, Status: 200, Want: []string{`"read":1`, `"unread":0`}},
			{Name: "a mark does not go back", As: li, Call: read, Body: `{"room":"probe","object":"o1","seq":0}`, Status: 200, Want: []string{`"read":1`}},
			{Name: "read", As: zhang, Call: readers, Status: 200, Want: []string{`"read":1`, `"of":1`}},
			{Name: "another's message", As: li, Call: recall, Status: 403},
		})
		e.Move(121 * time.Second)
		e.Run(t, []kerneltest.Case{{Name: "too late", As: zhang, Call: recall, Status: 409, Want: []string{"120"}}})
		e.Get(t, li, send, say("c1", "写错了的话", ""), &m)
		recall = "POST /api/talk/messages/" + m.ID + "/recall"
		e.Run(t, []kerneltest.Case{
			{Name: "a stranger recalls", As: stranger, Call: recall, Status: 404},
			{Name: "in time", As: li, Call: recall, Status: 200, Want: []string{`"text":""`}},
			{Name: "twice", As: li, Call: recall, Status: 409},
			{Name: "the trace stays, the words do not", As: zhang, Call: list, Status: 200, Want: []string{`"seq":2`, `"unread":0`}, Not: []string{"写错了"}},
			{Name: "a page", As: zhang, Call: list + "&limit=1", Status: 200, Want: []string{`"seq":2`}, Not: []string{`"seq":1,`}},
		})
	})
}

// uploaded sends a file and leaves it unclaimed.
func uploaded(t *testing.T, e *kerneltest.Env, as *room.Actor, name string) string {
	t.Helper()
	var p, done struct{ ID string }
	e.Get(t, as, "POST /api/file/uploads", fmt.Sprintf(`{"name":%q,"size":5}`, name), &p)
	if s, b := e.Call(t, kerneltest.Case{As: as, Call: "PUT /api/file/uploads/" + p.ID + "?offset=0", Body: "hello"}); s != 200 {
		t.Fatal(s, b)
	}
	e.Get(t, as, "POST /api/file/uploads/"+p.ID+"/done", "", &done)
	return done.ID
}

// A file comes with a message: who reads the thread reads it, a stranger does not, and it goes with the message.
func TestFiles(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Kit.Files.Readers("probe", func(ctx context.Context, object string) error {
			if authz.From(ctx).Person == "stranger" {
				return errs.New(errs.Missing, "store.missing")
			}
			return nil
		})
		who := people(t, e, "张三", "李四")
		zhang, li := who[0], who[1]
		stranger := kerneltest.Actor("stranger", "u9", room.Unit)
		const send = "POST /api/talk/messages"
		one, two := uploaded(t, e, zhang, "照片.txt"), uploaded(t, e, zhang, "另一份.txt")
		var m, n talk.Message
		e.Run(t, []kerneltest.Case{{Name: "another's upload", As: li, Call: send, Body: say("c0", "看", `,"files":["`+one+`"]`), Status: 404}})
		e.Get(t, zhang, send, say("c1", "", fmt.Sprintf(`,"files":[%q,%q]`, one, two)), &m)
		if len(m.Attached) != 2 || m.Attached[0].Name != "照片.txt" || m.Attached[0].Size != 5 {
			t.Fatalf("%+v", m)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "the thread names it", As: li, Call: list, Status: 200, Want: []string{"照片.txt", one}},
			{Name: "who reads the thread has it", As: li, Call: "GET /api/file/content/" + one, Status: 200, Want: []string{"hello"}},
			{Name: "a stranger has not", As: stranger, Call: "GET /api/file/content/" + one, Status: 404},
		})
		e.Get(t, li, send, say("c2", "引用", fmt.Sprintf(`,"files":[%q]`, two)), &n)
		e.Run(t, []kerneltest.Case{
			{Name: "taken back", As: zhang, Call: "POST /api/talk/messages/" + m.ID + "/recall", Status: 200, Want: []string{`"files":[]`}},
			{Name: "its file is gone", As: li, Call: "GET /api/file/content/" + one, Status: 404},
			{Name: "what another message names stays", As: li, Call: "GET /api/file/content/" + two, Status: 200},
			{Name: "there too", As: li, Call: list, Status: 200, Want: []string{"另一份.txt"}, Not: []string{"照片.txt"}},
			{Name: "who only named it takes it back", As: li, Call: "POST /api/talk/messages/" + n.ID + "/recall", Status: 200},
			{Name: "it stays", As: li, Call: "GET /api/file/content/" + two, Status: 200},
		})
	})
}

// Eight people speak at once: every number is given once, and none is missing.
func TestOrder(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		const senders, each = 8, 5
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				as := kerneltest.Actor(fmt.Sprint("p", s), "u1", room.Unit)
				for i := range each {
					if status, body := e.Call(t, kerneltest.Case{As: as, Call: "POST /api/talk/messages", Body: say(fmt.Sprint(i), "在", "")}); status != 200 {
						t.Error(status, body)
					}
				}
			})
		}
		wg.Wait()
		var v talk.View
		e.Get(t, kerneltest.Actor("p0", "u1", room.Unit), list+"&limit=100", "", &v)
		if len(v.Items) != senders*each {
			t.Fatal(len(v.Items))
		}
		for i, m := range v.Items {
			if m.Seq != int64(i+1) {
				t.Errorf("message %d has number %d", i, m.Seq)
			}
		}
	})
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { e.Strangers(t) })
}
