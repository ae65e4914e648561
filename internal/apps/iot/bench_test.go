package iot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"qushu/internal/apps/iot"
	"qushu/internal/base/secret"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel"
	"qushu/internal/room"
)

// BenchmarkPersisted sends points by MQTT with QoS 1, ten in a message as a gateway does, from 40 clients; every acknowledged one is on
// disk. "bare" is the same broker that keeps nothing, in the same run.
func BenchmarkPersisted(b *testing.B) {
	const devices, points = 40, 10
	addr, keys := district(b, devices)
	kept := send(b, addr, keys, points, max(b.N/2, 2000))
	bare := send(b, hollow(b), keys, points, max(b.N/2, 2000))
	b.ReportMetric(kept, "points/s")
	b.ReportMetric(bare, "bare-points/s")
	b.ReportMetric(kept/bare, "of-bare")
	b.ReportMetric(0, "ns/op")
}

// send publishes messages from every device and gives points a second.
func send(b *testing.B, addr string, keys map[string]string, points, messages int) float64 {
	b.Helper()
	var clients []paho.Client
	var codes []string
	for code, key := range keys {
		c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID(code).SetUsername(code).SetPassword(key).SetOrderMatters(false))
		if t := c.Connect(); t.Wait() && t.Error() != nil {
			b.Fatal(t.Error())
		}
		defer c.Disconnect(0)
		clients, codes = append(clients, c), append(codes, code)
	}
	each := messages / len(clients)
	start := time.Date(2023, 6, 1, 1, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	began := time.Now()
	for n, c := range clients {
		wg.Go(func() {
			var waiting []paho.Token
			for i := range each {
				var all []string
				for p := range points {
					all = append(all, fmt.Sprintf(`{"ts":%d,"values":{"depth":%d.5}}`, start.Add(time.Duration(i*points+p)*50*time.Millisecond).UnixMilli(), p%4))
				}
				waiting = append(waiting, c.Publish("qushu/"+codes[n]+"/up", 1, false, "["+strings.Join(all, ",")+"]"))
				if len(waiting) == 32 {
					waiting[0].Wait()
					waiting = waiting[1:]
				}
			}
			for _, t := range waiting {
				t.Wait()
			}
		})
	}
	wg.Wait()
	return float64(each*len(clients)*points) / time.Since(began).Seconds()
}

// district is a house with its broker and registered devices.
func district(b *testing.B, devices int) (addr string, keys map[string]string) {
	b.Helper()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx := context.Background()
	dir := b.TempDir()
	db, err := store.Open(ctx, "", filepath.Join(dir, "q.db"))
	if err != nil {
		b.Fatal(err)
	}
	ring, err := secret.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	now := func() time.Time { return time.Date(2023, 6, 1, 2, 0, 0, 0, time.UTC) }
	kit := kernel.NewKit(kernel.Base{DB: db, Ring: ring, Series: series.Open(series.Options{Dir: filepath.Join(dir, "series"), Now: now}), Now: now})
	bound := make(chan string, 1)
	r, err := iot.New(kit, nameless{}, iot.Options{Listen: "127.0.0.1:0", Bound: func(a net.Addr) { bound <- a.String() }})
	if err != nil {
		b.Fatal(err)
	}
	enter := func(_ http.ResponseWriter, q *http.Request) (context.Context, error) {
		return room.Acting(q.Context(), keeper), nil
	}
	house, err := kernel.Open(kit, []*room.Room{r}, kernel.Options{Work: true, Devices: true, Web: web.Options{Authenticate: enter}})
	if err != nil {
		b.Fatal(err)
	}
	if err := house.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	if err := house.Start(ctx); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { house.Stop(ctx); kit.Series.Close(); db.Close() })
	keys = map[string]string{}
	for n := range devices {
		q := httptest.NewRequest("POST", "/api/iot/devices", strings.NewReader(fmt.Sprintf(`{"code":"B-%d","kind":"culvert","name":"涵洞 %d","lon":114.3,"lat":30.5}`, n, n)))
		q.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		house.Handler().ServeHTTP(w, q)
		var d device
		body, _ := io.ReadAll(w.Body)
		if err := json.Unmarshal(body, &d); err != nil || d.Key == "" {
			b.Fatal(string(body))
		}
		keys[d.Code] = d.Key
	}
	return <-bound, keys
}

// anybody lets everybody in.
type anybody struct{ mqtt.HookBase }

func (*anybody) Provides(b byte) bool                                    { return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck }
func (*anybody) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }
func (*anybody) OnACLCheck(*mqtt.Client, string, bool) bool              { return true }

// hollow is a broker that lets everybody in and keeps nothing.
func hollow(b *testing.B) string {
	b.Helper()
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	if err := s.AddHook(new(anybody), nil); err != nil {
		b.Fatal(err)
	}
	if err := s.AddListener(listeners.NewNet("bare", l)); err != nil {
		b.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return l.Addr().String()
}
