package dcat

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What an IRI may not hold is percent-encoded in both writings, and a telephone that is none is left out: strict readers of
// JSON-LD take an IRI with a blank for a relative one and drop what is said with it.
func TestIRIs(t *testing.T) {
	c := &Catalog{IRI: "https://a.gov.cn/dcat", Title: "目录", Lang: "zh", Publisher: Agent{Name: "洪山区"},
		Datasets: []Dataset{{IRI: "https://a.gov.cn/e/with space{}", Title: "表", Phone: "见“网站”", Contact: "信息科", Related: []string{"https://a.gov.cn/e/<b>"}}}}
	var j, ttl bytes.Buffer
	if err := c.JSONLD(&j); err != nil {
		t.Fatal(err)
	}
	if err := c.Turtle(&ttl); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"JSON-LD": j.String(), "Turtle": ttl.String()} {
		if !strings.Contains(text, "https://a.gov.cn/e/with%20space%7B%7D") || !strings.Contains(text, "https://a.gov.cn/e/%3Cb%3E") || strings.Contains(text, "tel:") {
			t.Errorf("%s: %s", name, text)
		}
	}
	if !json.Valid(j.Bytes()) {
		t.Error("no JSON")
	}
}
