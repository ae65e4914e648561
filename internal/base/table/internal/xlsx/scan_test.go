package xlsx

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// outline lists the elements and their text as the scanner sees them.
func outline(text string) (string, error) {
	s := newScanner(strings.NewReader(text), 1<<20)
	var b strings.Builder
	s.collect(true)
	for {
		t, err := s.next()
		if err != nil {
			return b.String(), err
		}
		in, err := s.collected()
		if err != nil {
			return b.String(), err
		}
		s.collect(true)
		b.WriteString(in)
		switch t {
		case eof:
			return b.String(), nil
		case start:
			b.WriteString("<" + string(s.name) + ">")
		case end:
			b.WriteString("</>")
		}
	}
}

// reference is the same by encoding/xml; false when it refuses the text or this scanner refuses it on purpose.
func reference(text string) (string, bool) {
	d := xml.NewDecoder(strings.NewReader(text))
	var b strings.Builder
	for {
		t, err := d.Token()
		if err == io.EOF {
			return b.String(), true
		}
		if err != nil {
			return "", false
		}
		switch t := t.(type) {
		case xml.StartElement:
			if strings.Contains(t.Name.Local, ":") { // a name that begins or ends with a colon
				return "", false
			}
			b.WriteString("<" + t.Name.Local + ">")
		case xml.EndElement:
			b.WriteString("</>")
		case xml.CharData:
			b.Write(t)
		case xml.Directive:
			return "", false
		}
	}
}

func TestScan(t *testing.T) {
	for text, want := range map[string]string{
		`<a><b x="1">t</b><c/></a>`:                      "<a><b>t</><c></></>",
		`<?xml version="1.0"?><x:a y:z='>'>1&lt;2</x:a>`: "<a>1<2</>",
		`<a><!-- <b> -- -->x<![CDATA[<&]]]]>y</a>`:       "<a>x<&]]y</>",
		"<a>1\r\n2\r3&#13;&#x4e2d;</a>":                  "<a>1\n2\n3\r中</>",
		"<a" + strings.Repeat(" ", 5000) + "/>":          "<a></>",
		"<a>" + strings.Repeat("长", 50_000) + "</a>":     "<a>" + strings.Repeat("长", 50_000) + "</>",
	} {
		if got, err := outline(text); got != want || err != nil {
			t.Errorf("%.60s: %.60s %v", text, got, err)
		}
	}
	for _, bad := range []string{"<a>", "</a>", "<a", "<", "<>", "<a>&x;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>\xff</a>", "<!DOCTYPE a><a/>", "<!-- ", "<a><![CDATA[x</a>", `<a b="></a>`} {
		if got, err := outline(bad); err == nil {
			t.Errorf("%q was taken for %q", bad, got)
		}
	}
}

func TestAttr(t *testing.T) {
	s := newScanner(strings.NewReader(`<c a="1" r:id='x"y' b = "&amp;" empty="" last/>`), 10)
	if _, err := s.next(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "1", "id": `x"y`, "b": "&", "empty": "", "last": "", "none": ""} {
		if got, err := s.attrText(name); got != want || err != nil {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{`<a b="c">d&amp;<e/></a>`, "<a>\r\n<![CDATA[]]>]]&gt;</a>", "<!-- x --><a:b c='>'/>", "<?x ?><a>&#x41;</a>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := outline(text)
		want, ok := reference(text)
		if ok && (err != nil || got != want) {
			t.Fatalf("%q: %q %v, want %q", text, got, err, want)
		}
	})
}
