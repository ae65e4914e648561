package batch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func made(t testing.TB, lines int) (*Manifest, [][]byte) {
	t.Helper()
	m := &Manifest{Format: Format, ID: "batch0001", Kind: Catalogue, From: "420111", To: "420100", Seq: 1, Made: "2023-06-01T01:00:00Z", Watermark: "2023-06-01T01:00:00Z", Schema: SchemaHash("x")}
	var chunks [][]byte
	w := NewWriter(1<<10, func(_ int, c []byte) error { chunks = append(chunks, bytes.Clone(c)); return nil })
	for i := range lines {
		if err := w.Add(fmt.Appendf(nil, `{"n":%d,"text":"人口<信息>"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	return m, chunks
}

// The roots are written down, so that a change of the hash, the tree or the gzip is seen.
func TestRoot(t *testing.T) {
	for n, want := range map[int]string{
		0: "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b", // SM3 of nothing, GB/T 32905
	} {
		m, _ := made(t, n)
		if m.Root != want {
			t.Errorf("root over %d lines: %s", n, m.Root)
		}
	}
	// The tree over five leaves, written out by hand as RFC 6962 §2.1 splits it.
	var tree Tree
	leaf := map[int][]byte{}
	for i := range 5 {
		tree.Add([]byte{byte(i)})
		var one Tree
		one.Add([]byte{byte(i)})
		leaf[i] = one.peaks[0].hash
	}
	want := join(join(join(leaf[0], leaf[1]), join(leaf[2], leaf[3])), leaf[4])
	if tree.Root() != fmt.Sprintf("%x", want) {
		t.Error("the tree is not that of RFC 6962")
	}
}

func TestWholeBatch(t *testing.T) {
	m, chunks := made(t, 200)
	text, err := m.Text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseManifest(text)
	if err != nil || again.Root != m.Root || len(chunks) < 2 || again.Rows != 200 {
		t.Fatal(again, err, len(chunks))
	}
	var tree Tree
	for n, c := range chunks {
		if err := again.CheckChunk(n, c); err != nil {
			t.Fatal(err)
		}
		if err := again.Lines(n, c, func(line []byte) error { tree.Add(line); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if tree.Root() != m.Root {
		t.Error("the root does not come out again")
	}
	_, second := made(t, 200)
	if !bytes.Equal(second[0], chunks[0]) {
		t.Error("equal lines give other bytes")
	}
}

// Whatever byte is flipped, the manifest is another text or none, and a chunk is refused.
func TestFlippedBytes(t *testing.T) {
	m, chunks := made(t, 30)
	text, _ := m.Text()
	for i := range text {
		bent := bytes.Clone(text)
		bent[i] ^= 1
		if again, err := ParseManifest(bent); err == nil {
			if back, _ := again.Text(); Hash(back) == Hash(text) {
				t.Errorf("byte %d may be flipped unseen", i)
			}
		}
	}
	for i := range chunks[0] {
		bent := bytes.Clone(chunks[0])
		bent[i] ^= 0x80
		if m.CheckChunk(0, bent) == nil {
			t.Errorf("byte %d of a chunk may be flipped unseen", i)
		}
	}
	if m.CheckChunk(len(chunks), nil) == nil || m.CheckChunk(0, chunks[0][:len(chunks[0])-1]) == nil {
		t.Error("a chunk that is none, or is cut, was taken")
	}
}

func TestWrongManifests(t *testing.T) {
	for name, bend := range map[string]func(*Manifest){
		"format": func(m *Manifest) { m.Format = "other" }, "kind": func(m *Manifest) { m.Kind = "all" }, "to itself": func(m *Manifest) { m.To = m.From },
		"no predecessor": func(m *Manifest) { m.Seq = 2 }, "data without a feed": func(m *Manifest) { m.Kind = Data }, "rows": func(m *Manifest) { m.Rows++ },
		"huge chunk": func(m *Manifest) { m.Chunks[0].Size = MaxChunk + 1 }, "time": func(m *Manifest) { m.Made = "yesterday" }, "id": func(m *Manifest) { m.ID = "../../etc" },
	} {
		m, _ := made(t, 3)
		bend(m)
		text, _ := m.Text()
		if _, err := ParseManifest(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	m, _ := made(t, 3)
	text, _ := m.Text()
	for name, bent := range map[string]string{
		"blank": string(text) + " ", "twice": strings.Replace(string(text), `"seq":1`, `"seq":1,"seq":1`, 1), "unknown": strings.Replace(string(text), `"seq":1`, `"seq":1,"x":1`, 1), "nothing": "", "array": "[]",
	} {
		if _, err := ParseManifest([]byte(bent)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzManifest(f *testing.F) {
	m, _ := made(f, 3)
	text, _ := m.Text()
	f.Add(text)
	f.Add([]byte(`{"format":"qushu.cascade.ack/1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := ParseManifest(b); err == nil {
			if again, _ := m.Text(); !bytes.Equal(again, b) {
				t.Error("two writings of one manifest")
			}
		}
		if a, err := ParseAck(b); err == nil {
			if again, _ := a.Text(); !bytes.Equal(again, b) {
				t.Error("two writings of one ack")
			}
		}
	})
}

func FuzzLines(f *testing.F) {
	m, chunks := made(f, 3)
	f.Add(chunks[0])
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = m.Lines(0, b, func(line []byte) error { return nil })
	})
}
