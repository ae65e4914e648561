package realtime_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
)

// redis names the server that connects hubs in tests.
func redis(t *testing.T) string {
	t.Helper()
	url := os.Getenv("QUSHU_TEST_REDIS")
	if url == "" {
		t.Skip("no Redis to test against: scripts/with-redis sets QUSHU_TEST_REDIS")
	}
	return url
}

// Two replicas are one hub: messages, who is there, what was missed and who has to go.
func TestTwoReplicas(t *testing.T) {
	url := redis(t)
	one, at := startOn(t, url)
	other, elsewhere := startOn(t, url)
	person := "person-" + t.Name()
	first, err := dial(t, at, person, "")
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
	if err := other.Push(person, "from the other replica"); err != nil {
		t.Fatal(err)
	}
	first.ask("", "from the other replica")
	second, err := dial(t, elsewhere, person, "")
	if err != nil {
		t.Fatal(err)
	}
	second.ask(`{"id":1,"connect":{}}`, `"connect"`)
	for _, h := range []interface{ Online(string) (int, error) }{one, other} {
		if n, err := h.Online(person); err != nil || n != 2 {
			t.Errorf("%d browsers online, %v", n, err)
		}
	}
	// A browser that was away comes back to the other replica and gets what it missed.
	was := reply.Connect.Subs["person:"+person]
	first.ws.Close()
	if err := errors.Join(one.Push(person, "missed one"), other.Push(person, "missed two")); err != nil {
		t.Fatal(err)
	}
	again, err := dial(t, elsewhere, person, "")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(map[string]any{"id": 1, "connect": map[string]any{"subs": map[string]any{"person:" + person: map[string]any{"recover": true, "epoch": was.Epoch, "offset": was.Offset}}}})
	if line := again.ask(string(b), `"connect"`); !strings.Contains(line, "missed one") || !strings.Contains(line, "missed two") {
		t.Error(line)
	}
	// An ended session ends the connections on every replica.
	if err := one.Drop(person); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []*browser{again, second} {
		for {
			var frame string
			if err := websocket.Message.Receive(gone.ws, &frame); err != nil {
				break
			}
		}
	}
}
