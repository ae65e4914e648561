package sign

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

// The vectors stand in the guide for developers too: other languages check themselves against them.
func TestVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ Name, Secret, Method, Path, Query, Time, Nonce, Body, Message, Signature string }
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		r := Request{v.Method, v.Path, v.Query, v.Time, v.Nonce, []byte(v.Body)}
		message, err := r.Message()
		if err != nil || message != v.Message {
			t.Errorf("%s: %q %v", v.Name, message, err)
		}
		signature, err := r.Sign(v.Secret)
		if err != nil || signature != v.Signature {
			t.Errorf("%s: %s %v", v.Name, signature, err)
		}
		if !r.Verify(v.Secret, strings.ToUpper(v.Signature)) || r.Verify(v.Secret+"x", v.Signature) || r.Verify(v.Secret, "") {
			t.Errorf("%s: verified wrongly", v.Name)
		}
	}
	if len(all) < 3 {
		t.Error("vectors are missing")
	}
}

func TestQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"":                          "",
		"b=2&a=1":                   "a=1&b=2",
		"a=2&a=1":                   "a=1&a=2",
		"a":                         "a=",
		"a=1&&b=2&":                 "a=1&b=2",
		"a=x+y&c=%7e":               "a=x%20y&c=~",
		"f=街道%3aeq%3A关山":            "f=%E8%A1%97%E9%81%93%3Aeq%3A%E5%85%B3%E5%B1%B1",
		"filter=a:eq:b&columns=a,b": "columns=a%2Cb&filter=a%3Aeq%3Ab",
	} {
		if got, err := Query(raw); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", raw, got, err, want)
		}
	}
	if _, err := Query("a=%zz"); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

func TestFresh(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	good := "0123456789abcdef"
	for _, c := range []struct{ time, nonce, want string }{
		{"1700000000", good, ""},
		{"1699999700", good, ""},
		{"1700000300", good + "-_AZ", ""},
		{"1699999699", good, "exchange.old_time"},
		{"1700000301", good, "exchange.old_time"},
		{"", good, "exchange.bad_time"},
		{"soon", good, "exchange.bad_time"},
		{"9999999999999999", good, "exchange.bad_time"},
		{"1700000000", "short", "exchange.bad_nonce"},
		{"1700000000", strings.Repeat("a", 65), "exchange.bad_nonce"},
		{"1700000000", good + "\n", "exchange.bad_nonce"},
	} {
		if got := errs.KeyOf((Request{Time: c.time, Nonce: c.nonce}).Fresh(now, 5*time.Minute)); got != c.want {
			t.Errorf("%q %q: %q, want %q", c.time, c.nonce, got, c.want)
		}
	}
}

// Whatever a query holds, sorting it once is enough, and its order does not count.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "b=2&a=1", "%E8=%", "a+b=c%20d", "&&=&", "a=%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once, err := Query(raw)
		if err != nil {
			return
		}
		twice, err := Query(once)
		if err != nil || twice != once {
			t.Fatalf("%q: %q, then %q %v", raw, once, twice, err)
		}
		if strings.ContainsAny(once, "\n\r +") {
			t.Fatalf("%q: %q", raw, once)
		}
		parts := strings.Split(raw, "&")
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
		if back, err := Query(strings.Join(parts, "&")); err != nil || back != once {
			t.Fatalf("%q backwards: %q %v, want %q", raw, back, err, once)
		}
	})
}
