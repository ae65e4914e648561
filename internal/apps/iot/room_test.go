package iot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"qushu/internal/apps/iot"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

type nameless struct{}

func (nameless) Units(context.Context, store.Queryer, []string) (map[string]string, error) {
	return map[string]string{"u1": "区水务和湖泊局"}, nil
}

// brokers are the addresses the houses' brokers are bound to.
var brokers sync.Map

var houses = &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
	r, err := iot.New(kit, nameless{}, iot.Options{Listen: "127.0.0.1:0", Bound: func(a net.Addr) { brokers.Store(kit, a.String()) }})
	if err != nil {
		panic(err)
	}
	return []*room.Room{r}
}}

var (
	all     = []string{"iot.read", "iot.manage", "signal.read", "signal.handle", "signal.define"}
	keeper  = kerneltest.Actor("keeper", "u1", room.Unit, all...)
	officer = kerneltest.Actor("officer", "u9", room.All, "iot.read", "signal.read", "signal.handle")
	other   = kerneltest.Actor("other", "u2", room.Unit, all...)
)

type device struct {
	ID, Code, Key, Topic string
	Version              int64
}

func register(t *testing.T, e *kerneltest.Env, code, kind string) device {
	t.Helper()
	var d device
	e.Get(t, keeper, "POST /api/iot/devices", fmt.Sprintf(`{"code":%q,"kind":%q,"name":"珞狮路涵洞 %s","lon":114.35,"lat":30.51,"address":"珞狮路"}`, code, kind, code), &d)
	return d
}

// until waits for a condition, 20 seconds at most.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatal("it did not come to it: " + what)
}

// dial connects as a foreign client does.
func dial(t *testing.T, e *kerneltest.Env, client, user, key string, version uint) (mqtt.Client, error) {
	t.Helper()
	var addr any
	until(t, "the broker is bound", func() (ok bool) { addr, ok = brokers.Load(e.Kit); return ok })
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + addr.(string)).SetClientID(client).SetUsername(user).SetPassword(key).SetProtocolVersion(version).SetAutoReconnect(false).SetConnectTimeout(10 * time.Second))
	k := c.Connect()
	if !k.WaitTimeout(10 * time.Second) {
		t.Fatal("the broker does not answer")
	}
	if k.Error() == nil {
		t.Cleanup(func() { c.Disconnect(0) })
	}
	return c, k.Error()
}

func publish(t *testing.T, c mqtt.Client, topic string, qos byte, payload string) {
	t.Helper()
	k := c.Publish(topic, qos, false, payload)
	if !k.WaitTimeout(10*time.Second) || k.Error() != nil {
		t.Fatalf("%s was not acknowledged: %v", payload, k.Error())
	}
}

func depth(at time.Time, v float64) string {
	return fmt.Sprintf(`{"ts":%d,"values":{"depth":%v}}`, at.Unix(), v)
}

type alarm struct {
	ID, Signal, State, Level, Peak, Kind, Name string
	Worst                                      float64
	Version, Useless                           int64
	Active                                     bool
	Before                                     []alarm
}

func alarms(t *testing.T, e *kerneltest.Env, as *room.Actor, view string) []alarm {
	t.Helper()
	var out struct{ Items []alarm }
	e.Get(t, as, "GET /api/signal/alarms?view="+view, "", &out)
	return out.Items
}

// A culvert's sensor speaks MQTT; the sample is on disk when it is acknowledged, crosses the orange line, and its owner is told; the
// duty officer acknowledges; it worsens, falls and clears; the owner hears that it was of no use.
func TestFromSampleToAlarm(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		d := register(t, e, "HS-QH-01", "culvert")
		c, err := dial(t, e, d.Code, d.Code, d.Key, 4)
		if err != nil {
			t.Fatal(err)
		}
		at := e.Now.Add(-10 * time.Minute)
		publish(t, c, d.Topic, 1, depth(at, 3))
		publish(t, c, d.Topic, 1, depth(at.Add(time.Minute), 28.5))
		if open := alarms(t, e, officer, "open"); len(open) != 0 {
			t.Fatalf("one sample over the line raised %+v", open)
		}
		publish(t, c, d.Topic, 2, depth(at.Add(2*time.Minute), 29))
		publish(t, c, d.Topic, 0, depth(at.Add(2*time.Minute), 29)) // again
		publish(t, c, d.Topic, 1, depth(at.Add(-time.Minute), 99))  // late
		open := alarms(t, e, officer, "open")
		if len(open) != 1 || open[0].Level != "orange" || open[0].State != "raised" || open[0].Worst != 29 {
			t.Fatalf("%+v", open)
		}
		a := open[0]
		e.Run(t, []kerneltest.Case{
			{Name: "the owner is told", As: keeper, Call: "GET /api/notify", Status: 200, Want: []string{"橙色告警：珞狮路涵洞 HS-QH-01 积水深度 达到 29.0 cm", "/signal/alarms/" + a.ID}},
			{Name: "the device shows it", As: keeper, Call: "GET /api/iot/devices/" + d.ID, Status: 200, Want: []string{`"online":true`, `"level":"orange"`, `"value":29`, "区水务和湖泊局"}},
			{Name: "others see neither", As: other, Call: "GET /api/iot/devices/" + d.ID, Status: 404},
			{As: other, Name: "nor the alarm", Call: "GET /api/signal/alarms/" + a.ID, Status: 404},
			{As: other, Name: "nor the samples", Call: "GET /api/signal/signals/" + a.Signal + "/chart?from=2023-06-01T00:00:00Z&until=2023-06-02T00:00:00Z", Status: 404},
			{As: other, Name: "nor in lists", Call: "GET /api/iot/devices", Status: 200, Not: []string{"HS-QH-01"}},
			{As: officer, Name: "the alarm says its rule", Call: "GET /api/signal/alarms/" + a.ID, Status: 200, Want: []string{`"line":27`, `"orange":27`, `"lineUpwards":true`}},
			{As: officer, Name: "its data", Call: "GET /api/signal/signals/" + a.Signal + "/chart?from=2023-06-01T00:00:00Z&until=2023-06-02T00:00:00Z", Status: 200, Want: []string{`"step":0`, `"mean":28.5`, `"mean":99`}},
			{As: other, Name: "others do not acknowledge it", Call: "POST /api/signal/alarms/" + a.ID + "/acknowledge", Body: `{"version":1}`, Status: 404},
			{As: officer, Name: "the officer does", Call: "POST /api/signal/alarms/" + a.ID + "/acknowledge", Body: `{"version":1,"note":"已通知抢险队"}`, Status: 200, Want: []string{`"state":"acknowledged"`, "已通知抢险队"}},
			{As: officer, Name: "once", Call: "POST /api/signal/alarms/" + a.ID + "/acknowledge", Body: `{"version":2}`, Status: 409},
			{As: officer, Name: "and with what he saw", Call: "POST /api/signal/alarms/" + a.ID + "/shelve", Body: `{"version":1,"minutes":60,"why":"检修"}`, Status: 409},
		})
		publish(t, c, d.Topic, 1, depth(at.Add(3*time.Minute), 41))
		publish(t, c, d.Topic, 1, depth(at.Add(4*time.Minute), 42))
		if open := alarms(t, e, officer, "open"); len(open) != 1 || open[0].ID != a.ID || open[0].Level != "red" || open[0].State != "raised" {
			t.Fatalf("worse asks to be acknowledged anew: %+v", open)
		}
		for i, v := range []float64{39, 37, 20, 20, 4, 2, 2} {
			publish(t, c, d.Topic, 1, depth(at.Add(time.Duration(5+i)*time.Minute).Add(-time.Minute/2), v))
		}
		if open := alarms(t, e, officer, "open"); len(open) != 0 {
			t.Fatalf("%+v", open)
		}
		done := alarms(t, e, officer, "cleared")
		if len(done) != 1 || done[0].Peak != "red" || done[0].Worst != 42 {
			t.Fatalf("%+v", done)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "a vote", As: officer, Call: "POST /api/signal/alarms/" + a.ID + "/vote", Body: `{"why":"探头被树枝挡住"}`, Status: 200, Want: []string{`"useless":1`, `"voted":true`}},
			{Name: "one each", As: officer, Call: "POST /api/signal/alarms/" + a.ID + "/vote", Body: `{"why":"探头被树枝挡住"}`, Status: 409},
			{Name: "reaches the owner", As: keeper, Call: "GET /api/notify", Status: 200, Want: []string{"探头被树枝挡住", "红色告警"}},
		})
		until(t, "the device's level follows", func() bool {
			_, body := e.Call(t, kerneltest.Case{As: keeper, Call: "GET /api/iot/devices?state=alarm"})
			return !strings.Contains(body, d.Code)
		})
	})
}

// A device may do nothing but speak for itself.
func TestWhoMaySpeak(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		d, o := register(t, e, "HS-QH-01", "culvert"), register(t, e, "HS-QH-02", "culvert")
		for name, x := range map[string][3]string{"no key": {d.Code, d.Code, ""}, "another's key": {d.Code, d.Code, o.Key}, "another's session": {o.Code, d.Code, d.Key}, "an unknown device": {"X", "X", d.Key}, "nobody": {"X", "", ""}} {
			if _, err := dial(t, e, x[0], x[1], x[2], 4); err == nil {
				t.Errorf("%s was let in", name)
			}
		}
		mine, err := dial(t, e, d.Code+":a", d.Code, d.Key, 4)
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		k := mine.Publish(o.Topic, 1, false, depth(e.Now, 50))
		go func() { k.Wait(); close(gone) }()
		until(t, "speaking for another ends the connection", func() bool { return !mine.IsConnected() })
		e.Run(t, []kerneltest.Case{{As: keeper, Name: "nothing was kept", Call: "GET /api/iot/devices/" + o.ID, Status: 200, Want: []string{`"seenAt":null`}}})

		mine, err = dial(t, e, d.Code, d.Code, d.Key, 4)
		if err != nil {
			t.Fatal(err)
		}
		sub := mine.Subscribe("qushu/#", 1, nil)
		if sub.WaitTimeout(10*time.Second) && sub.(*mqtt.SubscribeToken).Result()["qushu/#"] < 128 {
			t.Error("a device hears everybody")
		}
		e.Run(t, []kerneltest.Case{
			{As: other, Name: "others do not take its key", Call: "POST /api/iot/devices/" + d.ID + "/key", Status: 404},
			{As: keeper, Name: "a new key", Call: "POST /api/iot/devices/" + d.ID + "/key", Status: 200, Want: []string{`"key":"qd_`}},
		})
		until(t, "the old key's connection ends", func() bool { return !mine.IsConnected() })
		if _, err := dial(t, e, d.Code, d.Code, d.Key, 4); err == nil {
			t.Error("the old key still lets in")
		}
		e.Run(t, []kerneltest.Case{
			{As: keeper, Name: "the key is not shown again", Call: "GET /api/iot/devices/" + d.ID, Status: 200, Not: []string{"qd_"}},
			{As: keeper, Name: "one code, one device", Call: "POST /api/iot/devices", Body: `{"code":"HS-QH-01","kind":"lake","name":"南湖","lon":114.3,"lat":30.5}`, Status: 409, Want: []string{"已有设备在用"}},
			{As: keeper, Name: "codes are words of topics", Call: "POST /api/iot/devices", Body: `{"code":"a/b","kind":"lake","name":"南湖","lon":114.3,"lat":30.5}`, Status: 422},
			{As: officer, Name: "readers do not register", Call: "POST /api/iot/devices", Body: `{"code":"HS-9","kind":"lake","name":"南湖","lon":114.3,"lat":30.5}`, Status: 403},
		})
	})
}

// What a device says wrongly stands in its register, in words, and holds up neither the rest of its message nor anybody else.
func TestBadInput(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		d := register(t, e, "HS-QH-01", "culvert")
		send := func(payload string) (int, string) {
			q, err := http.NewRequestWithContext(t.Context(), "POST", e.URL+"/api/iot/ingest", strings.NewReader(payload))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("X-Device", d.Code)
			q.Header.Set("X-Device-Key", d.Key)
			r, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			var p struct{ Detail, Title string }
			_ = json.NewDecoder(r.Body).Decode(&p)
			return r.StatusCode, p.Detail + p.Title
		}
		shown := func(want ...string) {
			t.Helper()
			e.Run(t, []kerneltest.Case{{As: keeper, Name: "register", Call: "GET /api/iot/devices/" + d.ID, Status: 200, Want: want}})
		}
		if s, b := send(depth(e.Now, 3)); s != 204 {
			t.Fatal(s, b)
		}
		for _, c := range []struct {
			payload string
			status  int
			words   string
		}{
			{`{"values":{"depth":NaN}}`, 422, "不是有效的 JSON"},
			{`{"values":{"depth":"NaN"}}`, 422, "“depth”的值不是数字"},
			{`{"dev":"HS-QH-02","values":{"depth":1}}`, 422, "不是本设备"},
			{`{"values":{"tiefe":1}}`, 422, "没有“tiefe”这一项"},
			{fmt.Sprintf(`{"ts":%d,"values":{"depth":4,"x":1}}`, e.Now.Add(time.Second).Unix()), 204, "没有“x”这一项"},
			{fmt.Sprintf(`{"ts":%d,"values":{"depth":4}}`, e.Now.Add(72*time.Hour).Unix()), 204, "设备时钟快了 72h0m0s"},
			{`{"ts":"1999-01-01 00:00:00","values":{"depth":4}}`, 422, "已过保存期限"},
		} {
			if s, b := send(c.payload); s != c.status {
				t.Errorf("%s: %d %s", c.payload, s, b)
			}
			shown(c.words)
		}
		// In millimetres instead of centimetres: kept apart, said so, and no red alarm of it.
		for i := range 3 {
			if s, b := send(depth(e.Now.Add(time.Duration(i+2)*time.Second), 6500)); s != 204 {
				t.Fatal(s, b)
			}
		}
		open := alarms(t, e, keeper, "open")
		if len(open) != 1 || open[0].Kind != "odd" || open[0].Level != "blue" {
			t.Errorf("%+v", open)
		}
		if s, _ := func() (int, string) { d.Key = "qd_wrong"; return send(depth(e.Now, 3)) }(); s != 401 {
			t.Errorf("a wrong key: %d", s)
		}
	})
}

// A source that stops is silent after three missed messages, once, and speaks again; out of use nothing of it is open, and it may not speak.
func TestSilenceShelfAndStop(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		d := register(t, e, "HS-QH-01", "culvert")
		c, err := dial(t, e, d.Code, d.Code, d.Key, 4)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, c, d.Topic, 1, depth(e.Now, 3))
		until(t, "the state is written", func() bool {
			n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM signal_state WHERE at > 0`)
			return err == nil && n == 1
		})
		e.Move(4 * time.Minute)
		watch := func() {
			t.Helper()
			for _, r := range e.Rooms {
				for _, j := range r.Jobs {
					if j.Name == "signal.watch" {
						if err := j.Run(t.Context(), []byte("{}")); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		watch()
		watch()
		open := alarms(t, e, keeper, "open")
		if len(open) != 1 || open[0].Kind != "silent" {
			t.Fatalf("%+v", open)
		}
		e.Run(t, []kerneltest.Case{
			{As: keeper, Name: "it is offline", Call: "GET /api/iot/devices?state=offline", Status: 200, Want: []string{"HS-QH-01", `"online":false`}},
			{As: keeper, Name: "shelved", Call: "POST /api/signal/alarms/" + open[0].ID + "/shelve", Body: `{"version":1,"minutes":60,"why":"更换电池"}`, Status: 200, Want: []string{`"state":"shelved"`}},
			{As: keeper, Name: "no longer open", Call: "GET /api/signal/alarms", Status: 200, Not: []string{open[0].ID}},
		})
		e.Move(time.Hour)
		watch()
		if open := alarms(t, e, keeper, "open"); len(open) != 1 || open[0].State != "raised" {
			t.Fatalf("the shelf has ended: %+v", open)
		}
		publish(t, c, d.Topic, 1, depth(e.Now, 3))
		if open := alarms(t, e, keeper, "open"); len(open) != 0 {
			t.Fatalf("%+v", open)
		}
		e.Run(t, []kerneltest.Case{{As: keeper, Name: "out of use", Call: "POST /api/iot/devices/" + d.ID + "/turn", Body: `{"on":false,"why":"拆除","version":1}`, Status: 200, Want: []string{`"state":"stopped"`}}})
		until(t, "its connection ends", func() bool { return !c.IsConnected() })
		if _, err := dial(t, e, d.Code, d.Code, d.Key, 4); err == nil {
			t.Error("a device out of use is let in")
		}
		e.Run(t, []kerneltest.Case{
			{As: keeper, Name: "into use again", Call: "POST /api/iot/devices/" + d.ID + "/turn", Body: `{"on":true,"why":"修好","version":2}`, Status: 200},
			{As: keeper, Name: "maintenance", Call: "POST /api/iot/devices/" + d.ID + "/services", Body: `{"kind":"replace","note":"换电池"}`, Status: 200, Want: []string{"换电池"}},
			{As: keeper, Name: "moved", Call: "PUT /api/iot/devices/" + d.ID, Body: `{"name":"珞狮路涵洞","lon":114.36,"lat":30.52,"version":3}`, Status: 200, Want: []string{"114.36"}},
		})
		if _, err := dial(t, e, d.Code, d.Code, d.Key, 4); err != nil {
			t.Error(err)
		}
	})
}

// Many devices at once; what was acknowledged is there.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		const devices, each = 8, 40
		var wg sync.WaitGroup
		var ids []string
		for n := range devices {
			d := register(t, e, fmt.Sprintf("HS-QH-%02d", n), "culvert")
			ids = append(ids, d.ID)
			c, err := dial(t, e, d.Code, d.Code, d.Key, 4)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				for i := range each {
					publish(t, c, d.Topic, 1, depth(e.Now.Add(time.Duration(i-each)*time.Second), 1))
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			var d struct {
				Messages int
				Readings []struct {
					Property string
					Signal   struct{ ID string }
				}
			}
			until(t, "every message is counted", func() bool { // they are counted behind
				e.Get(t, keeper, "GET /api/iot/devices/"+id, "", &d)
				return d.Messages == each
			})
			var chart struct{ Points []struct{ N int } }
			e.Get(t, keeper, "GET /api/signal/signals/"+d.Readings[0].Signal.ID+"/chart?from=2023-06-01T00:00:00Z&until=2023-06-02T00:00:00Z", "", &chart)
			if len(chart.Points) != each {
				t.Errorf("%s: %d points", id, len(chart.Points))
			}
		}
	})
}

// A signal derived from two others is reckoned with each of their samples and raises its own alarm; a storm is told once.
func TestDerivedAndStorm(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		const sum = `{"code":"water.sum","name":"涵洞积水合计","measure":"cm","cadence":60,"direction":"down","formula":%q,"inputs":{"a":"iot.HS-QH-00.depth","b":%q},"rule":{"above":{"red":10},"below":{},"count":1}}`
		var all []device
		for n := range 9 {
			all = append(all, register(t, e, fmt.Sprintf("HS-QH-%02d", n), "culvert"))
		}
		define := func(formula, b string) string { return fmt.Sprintf(sum, formula, b) }
		e.Run(t, []kerneltest.Case{
			{As: keeper, Name: "unknown input", Call: "POST /api/signal/signals", Body: define("a + b", "iot.X.depth"), Status: 422, Want: []string{"没有编码为 iot.X.depth 的体征"}},
			{As: keeper, Name: "itself", Call: "POST /api/signal/signals", Body: define("a + b", "water.sum"), Status: 422, Want: []string{"绕回了自己"}},
			{As: keeper, Name: "no number", Call: "POST /api/signal/signals", Body: define("a > b", "iot.HS-QH-01.depth"), Status: 422},
			{As: officer, Name: "not everybody", Call: "POST /api/signal/signals", Body: define("a + b", "iot.HS-QH-01.depth"), Status: 403},
			{As: keeper, Name: "a sum", Call: "POST /api/signal/signals", Body: define("a + b", "iot.HS-QH-01.depth"), Status: 200, Want: []string{`"formula":"a + b"`}},
			{As: keeper, Name: "once", Call: "POST /api/signal/signals", Body: define("a + b", "iot.HS-QH-01.depth"), Status: 422},
		})
		var clients []mqtt.Client
		for _, d := range all {
			c, err := dial(t, e, d.Code, d.Code, d.Key, 4)
			if err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c)
		}
		publish(t, clients[0], all[0].Topic, 1, depth(e.Now, 6))
		publish(t, clients[1], all[1].Topic, 1, depth(e.Now, 7.5))
		e.Run(t, []kerneltest.Case{{As: keeper, Name: "it is reckoned", Call: "GET /api/signal/signals?text=water.sum", Status: 200, Want: []string{`"value":13.5`, `"level":"red"`}}})
		for i := range 2 {
			for n, c := range clients {
				publish(t, c, all[n].Topic, 1, depth(e.Now.Add(time.Duration(i+1)*time.Second), 16))
			}
		}
		if open := alarms(t, e, keeper, "mine"); len(open) != 10 {
			t.Fatalf("%d alarms", len(open))
		}
		var told struct{ Items []struct{ Title string } }
		e.Get(t, keeper, "GET /api/notify", "", &told)
		storms := 0
		for _, n := range told.Items {
			if strings.Contains(n.Title, "不再逐条提醒") {
				storms++
			}
		}
		if storms != 1 || len(told.Items) > 8 {
			t.Errorf("%d notices, %d of the storm: %+v", len(told.Items), storms, told.Items)
		}
	})
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { e.Strangers(t) })
}
