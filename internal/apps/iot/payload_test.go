package iot

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

func TestParse(t *testing.T) {
	at := time.Date(2023, 6, 1, 9, 0, 0, 0, civil)
	for in, want := range map[string]string{
		`{"values":{"depth":27.5}}`: "0 map[depth:27.5] []",
		`{"ts":1685581200,"values":{"depth":"27.5","open":true},"battery":88}`:    fmt.Sprint(at.Unix()) + " map[battery:88 depth:27.5 open:1] []",
		`{"ts":1685581200000,"values":{"a":1}}`:                                   fmt.Sprint(at.Unix()) + " map[a:1] []",
		`{"ts":"2023-06-01 09:00:00","values":{"a":1}}`:                           fmt.Sprint(at.Unix()) + " map[a:1] []",
		`{"ts":"2023-06-01T01:00:00Z","values":{"a":"NaN","b":null,"c":"0x1p2"}}`: fmt.Sprint(at.Unix()) + " map[] [a b c]",
	} {
		all, err := parse([]byte(in))
		if err != nil || len(all) != 1 {
			t.Errorf("%s: %v", in, err)
			continue
		}
		sec := int64(0)
		if !all[0].at.IsZero() {
			sec = all[0].at.Unix()
		}
		if got := fmt.Sprint(sec, all[0].values, all[0].bad); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for in, key := range map[string]string{"": "iot.payload_empty", "{": "iot.payload_json", `{"values":{"depth":NaN}}`: "iot.payload_json", `{"ts":"gestern","values":{}}`: "iot.payload_time", `{"ts":1e30}`: "iot.payload_time", `[1]`: "iot.payload_json"} {
		if _, err := parse([]byte(in)); errs.KeyOf(err) != key {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"ts":1685581200,"values":{"depth":27.5}}`, `[{"values":{}},{"ts":"2023-06-01 09:00:00"}]`, `{"values":{"a":"1e400"}}`, "\x00", `{"battery":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parse(b)
		if err != nil && errs.KindOf(err) != errs.Invalid && errs.KindOf(err) != errs.TooLarge {
			t.Fatal(err)
		}
		for _, m := range all {
			for _, v := range m.values {
				if v-v != 0 {
					t.Fatal("a value that is no number was let in")
				}
			}
		}
	})
}

func TestTopics(t *testing.T) {
	for _, c := range []struct {
		topic   string
		publish bool
	}{{"qushu/HS-1/up", true}, {"qushu/HS-1/state", true}, {"qushu/HS-1/a/b", true}, {"qushu/HS-1/", false}, {"qushu/HS-1", false}, {"qushu/HS-1/down", false}, {"qushu/HS-1/down/open", false},
		{"qushu/HS-10/up", false}, {"qushu/HS-2/up", false}, {"qushu/+/up", false}, {"qushu/HS-1/#", false}, {"$SYS/broker", false}, {"", false}} {
		if got := mayPublish("HS-1", c.topic); got != c.publish {
			t.Errorf("publish %q: %t", c.topic, got)
		}
	}
	for filter, want := range map[string]bool{"qushu/HS-1/down": true, "qushu/HS-1/down/#": true, "qushu/HS-1/up": false, "qushu/+/down": false, "#": false, "$share/x/qushu/HS-1/down": false, "qushu/HS-1/downs": false} {
		if got := maySubscribe("HS-1", filter); got != want {
			t.Errorf("subscribe %q: %t", filter, got)
		}
	}
	for client, want := range map[string]bool{"HS-1": true, "HS-1:backup": true, "HS-12": false, "HS-2": false, "": false} {
		if ownClient("HS-1", client) != want {
			t.Errorf("client %q", client)
		}
	}
}

// The seven kinds with the 35 points of the district.
func TestKinds(t *testing.T) {
	all, err := readKinds()
	if err != nil || len(all) != 7 {
		t.Fatal(len(all), err)
	}
	for _, k := range all {
		if k.Zh == "" || k.En == "" || k.Cadence <= 0 || len(k.Properties) < 2 || !slices.ContainsFunc(k.Properties, func(p Property) bool { return p.Key == "battery" }) {
			t.Errorf("%+v", k)
		}
	}
}
