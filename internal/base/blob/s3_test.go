package blob

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

func TestS3Damage(t *testing.T) {
	s, fake := newFake(t)
	ref := put(t, s, "0123456789")
	fake.objects["blobs/"+ref.Hash] = fakeObject{[]byte("0123456780"), time.Now()}
	_, err := get(t, s, ref.Hash)
	want(t, err, errs.Internal, "blob.damaged")
}

// The same content is uploaded again only when it is no longer young, or its size is wrong.
func TestS3PutAgain(t *testing.T) {
	s, fake := newFake(t)
	ref := put(t, s, "x")
	put(t, s, "x")
	if fake.puts != 1 {
		t.Error(fake.puts)
	}
	key := "blobs/" + ref.Hash
	fake.objects[key] = fakeObject{[]byte("x"), time.Now().Add(-youngFor - time.Hour)}
	put(t, s, "x")
	if info, err := s.Stat(t.Context(), ref.Hash); err != nil || fake.puts != 2 || time.Since(info.At) > time.Hour {
		t.Error(fake.puts, info, err)
	}
	fake.objects[key] = fakeObject{nil, time.Now()}
	put(t, s, "x")
	if fake.puts != 3 {
		t.Error(fake.puts)
	}
	fake.objects[key] = fakeObject{[]byte("x"), time.Now().Add(-48 * time.Hour)}
	if err := s.Delete(t.Context(), ref.Hash, 24*time.Hour); err != nil || len(fake.objects) != 0 {
		t.Error(err)
	}
}

func TestS3Sweep(t *testing.T) {
	s, fake := newFake(t)
	path := filepath.Join(s.spool, "put-1")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path, 2*time.Hour)
	fake.uploads["old"] = &fakeUpload{"blobs/" + sum("a"), time.Now().Add(-2 * time.Hour), nil}
	fake.uploads["new"] = &fakeUpload{"blobs/" + sum("a"), time.Now(), nil}
	fake.uploads["other"] = &fakeUpload{"elsewhere/x", time.Now().Add(-2 * time.Hour), nil}
	if n, err := s.Sweep(t.Context(), time.Hour); n != 2 || err != nil {
		t.Error(n, err)
	}
	if fake.uploads["old"] != nil || fake.uploads["new"] == nil || fake.uploads["other"] == nil {
		t.Error(fake.uploads)
	}
}

func TestS3Answers(t *testing.T) {
	for status, c := range map[int]struct {
		kind errs.Kind
		key  string
	}{
		http.StatusForbidden:           {errs.Internal, "blob.refused"},
		http.StatusInsufficientStorage: {errs.Busy, "blob.disk_full"},
		http.StatusNotImplemented:      {errs.Busy, "blob.away"},
		http.StatusBadRequest:          {errs.Internal, "blob.write_failed"},
	} {
		s, fake := newFake(t)
		fake.mu.Lock()
		fake.answer = status
		fake.mu.Unlock()
		_, err := s.Put(t.Context(), strings.NewReader("x"), 0)
		want(t, err, c.kind, c.key)
		_, err = get(t, s, sum("x"))
		want(t, err, c.kind, c.key)
		want(t, s.Delete(t.Context(), sum("x"), 0), c.kind, c.key)
		want(t, s.Walk(t.Context(), func(Info) error { return nil }), c.kind, c.key)
		noTemp(t, s)
	}
}

func TestOpenURL(t *testing.T) {
	t.Setenv(EnvAccessKey, "")
	t.Setenv(EnvSecretKey, "")
	for raw, key := range map[string]string{
		"ftp://x/y":                       "blob.url_bad",
		"/var/blobs":                      "blob.url_bad",
		"file://host/x":                   "blob.url_bad",
		"file:///x?y=z":                   "blob.url_bad",
		"s3:///x":                         "blob.url_bad",
		"s3://b\x00":                      "blob.url_bad",
		"s3://k:s@b/p?endpoint=h:1":       "blob.url_secret",
		"s3://b/p?endpoint=h:1&tsl=false": "blob.url_option",
		"s3://b/p?endpoint=h:1&tls=no":    "blob.url_option",
		"s3://b/p":                        "blob.url_endpoint",
		"s3://b/p?endpoint=127.0.0.1:1&tls=false": "blob.no_keys",
	} {
		_, err := OpenURL(t.Context(), raw, t.TempDir())
		want(t, err, errs.Invalid, key)
	}
	dir := t.TempDir()
	s, err := OpenURL(t.Context(), "file://"+dir+"/else", "/nowhere")
	if err != nil || s.(*folder).dir != dir+"/else" {
		t.Error(s, err)
	}
}

func TestS3NotThere(t *testing.T) {
	t.Setenv(EnvAccessKey, "key")
	t.Setenv(EnvSecretKey, "secret")
	_, err := OpenURL(t.Context(), "s3://b?region=cn&tls=false&endpoint=127.0.0.1:1", t.TempDir())
	want(t, err, errs.Busy, "blob.away")
	_, err = OpenURL(t.Context(), "s3://b?region=cn&tls=false&endpoint=a/b", t.TempDir())
	want(t, err, errs.Invalid, "blob.url_endpoint")
	s, _ := newFake(t)
	_, err = NewS3(t.Context(), S3Config{Endpoint: s.c.EndpointURL().Host, Region: "cn", Bucket: "other", AccessKey: "key", SecretKey: "secret", SpoolDir: t.TempDir()})
	want(t, err, errs.Invalid, "blob.no_bucket")
	_, err = NewS3(t.Context(), S3Config{Endpoint: s.c.EndpointURL().Host, Region: "cn", Bucket: "district", AccessKey: "wrong", SecretKey: "secret", SpoolDir: t.TempDir()})
	want(t, err, errs.Internal, "blob.refused")
}
