package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/websocket"

	"qushu/internal/base/realtime"
)

type whoKey struct{}

// start serves a hub that believes the header X-Who.
func start(t *testing.T) (*realtime.Hub, string) {
	t.Helper()
	return startOn(t, "")
}

// startOn serves one that is connected by Redis to others.
func startOn(t *testing.T, redisURL string) (*realtime.Hub, string) {
	t.Helper()
	h, err := realtime.New(redisURL, func(ctx context.Context) string { who, _ := ctx.Value(whoKey{}).(string); return who })
	if err != nil {
		t.Fatal(err)
	}
	h.Open("case", func(_ context.Context, person, channel string) error {
		if person != "zhang" || channel != "case:1" {
			return errors.New("no")
		}
		return nil
	})
	if err := h.Run(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Handler().ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), whoKey{}, r.Header.Get("X-Who"))))
	}))
	t.Cleanup(func() { h.Close(context.Background()); srv.Close() })
	return h, srv.URL
}

type browser struct {
	t  *testing.T
	ws *websocket.Conn
}

func dial(t *testing.T, url, who, origin string) (*browser, error) {
	t.Helper()
	if origin == "" {
		origin = url
	}
	cfg, err := websocket.NewConfig(strings.Replace(url, "http", "ws", 1)+"/", origin)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Header.Set("X-Who", who)
	ws, err := websocket.DialConfig(cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { ws.Close() })
	return &browser{t, ws}, nil
}

// ask sends a command and returns the first line that holds want.
func (b *browser) ask(cmd, want string) string {
	b.t.Helper()
	if cmd != "" {
		if err := websocket.Message.Send(b.ws, cmd); err != nil {
			b.t.Fatal(err)
		}
	}
	for {
		var frame string
		if err := websocket.Message.Receive(b.ws, &frame); err != nil {
			b.t.Fatalf("waiting for %s: %v", want, err)
		}
		for line := range strings.SplitSeq(frame, "\n") {
			if strings.Contains(line, want) {
				return line
			}
		}
	}
}

func TestPushReachesThePersonAndNobodyElse(t *testing.T) {
	h, url := start(t)
	zhang, err := dial(t, url, "zhang", "")
	if err != nil {
		t.Fatal(err)
	}
	zhang.ask(`{"id":1,"connect":{}}`, `"person:zhang"`)
	if n, err := h.Online("zhang"); err != nil || n != 1 {
		t.Error(n, err)
	}
	if err := errors.Join(h.Push("li", map[string]string{"kind": "other"}), h.Push("zhang", map[string]string{"kind": "mine"})); err != nil {
		t.Fatal(err)
	}
	if line := zhang.ask("", `"push"`); !strings.Contains(line, "mine") {
		t.Error(line)
	}
	if line := zhang.ask(`{"id":2,"subscribe":{"channel":"person:li"}}`, `"id":2`); !strings.Contains(line, "103") {
		t.Error("another person's channel:", line)
	}
	if line := zhang.ask(`{"id":3,"subscribe":{"channel":"case:2"}}`, `"id":3`); !strings.Contains(line, "103") {
		t.Error("a channel the room refuses:", line)
	}
	zhang.ask(`{"id":4,"subscribe":{"channel":"case:1"}}`, `"subscribe"`)
	if err := h.Publish("case:1", "hello"); err != nil {
		t.Fatal(err)
	}
	zhang.ask("", "hello")
}

// A browser that was away gets what it missed.
func TestRecovery(t *testing.T) {
	h, url := start(t)
	first, err := dial(t, url, "zhang", "")
	if err != nil {
		t.Fatal(err)
	}
	var reply struct {
		Connect struct {
			Subs map[string]struct {
				Epoch  string `json:"epoch"`
				Offset uint64 `json:"offset"`
			} `json:"subs"`
		} `json:"connect"`
	}
	if err := json.Unmarshal([]byte(first.ask(`{"id":1,"connect":{}}`, `"connect"`)), &reply); err != nil {
		t.Fatal(err)
	}
	first.ws.Close()
	if err := errors.Join(h.Push("zhang", "missed one"), h.Push("zhang", "missed two")); err != nil {
		t.Fatal(err)
	}
	again, err := dial(t, url, "zhang", "")
	if err != nil {
		t.Fatal(err)
	}
	was := reply.Connect.Subs["person:zhang"]
	b, _ := json.Marshal(map[string]any{"id": 1, "connect": map[string]any{"subs": map[string]any{"person:zhang": map[string]any{"recover": true, "epoch": was.Epoch, "offset": was.Offset}}}})
	if line := again.ask(string(b), `"connect"`); !strings.Contains(line, "missed one") || !strings.Contains(line, "missed two") {
		t.Error(line)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	_, url := start(t)
	if _, err := dial(t, url, "zhang", "https://elsewhere.example"); err == nil {
		t.Error("a page of another site may not connect")
	}
	nobody, err := dial(t, url, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := websocket.Message.Send(nobody.ws, `{"id":1,"connect":{}}`); err != nil {
		t.Fatal(err)
	}
	var frame string
	if err := websocket.Message.Receive(nobody.ws, &frame); err == nil && strings.Contains(frame, `"client"`) {
		t.Error("nobody was let in:", frame)
	}
}
