package errs

import (
	"fmt"
	"testing"
	"testing/fstest"
)

func texts(zh, en string) fstest.MapFS {
	return fstest.MapFS{"text/zh.json": {Data: []byte(zh)}, "text/en.json": {Data: []byte(en)}}
}

func TestCatalog(t *testing.T) {
	c, err := NewCatalog(texts(`{"a.b":"第{0}行：{1}"}`, `{"a.b":"row {0}: {1}"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Text("zh", "a.b", 3, "空"); got != "第3行：空" {
		t.Error(got)
	}
	if got := c.Text("fr", "a.b", 3, "x"); got != "第3行：x" {
		t.Error("unknown language falls back to the first:", got)
	}
	if got := c.Text("en", "no.such"); got != "no.such" {
		t.Error(got)
	}
	if _, err := NewCatalog(texts(`{"a":"1"}`, `{}`)); err == nil {
		t.Error("a key in one language only must be refused")
	}
	if _, err := NewCatalog(texts(`{"a":"1"}`, `{"a":"1"}`), texts(`{"a":"1"}`, `{"a":"1"}`)); err == nil {
		t.Error("a key in two packages must be refused")
	}
}

func TestKindOf(t *testing.T) {
	e := New(Conflict, "x.y").With(Field{Row: 2, Name: "id", Key: "x.z"})
	if KindOf(fmt.Errorf("wrapped: %w", e)) != Conflict || KindOf(fmt.Errorf("plain")) != Internal {
		t.Error("kinds")
	}
}
