package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"qushu/internal/base/id"
	"qushu/internal/base/web"
)

// door is a browser without a screen: it calls the portal over HTTP as one person, signed in like one.
// The demonstration district comes in through it.
type door struct {
	base   string
	client *http.Client
	now    func() time.Time
	bearer string // shown instead of a session
}

func newDoor(base string, now func() time.Time) (*door, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &door{base: base, client: &http.Client{Jar: jar}, now: now}, nil
}

// call sends in as JSON (nil for nothing, []byte as they are) and reads the answer into out.
func (d *door) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	kind := "application/json"
	switch v := in.(type) {
	case nil:
	case []byte:
		body, kind = bytes.NewReader(v), "application/octet-stream"
	default:
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	q, err := http.NewRequestWithContext(ctx, method, d.base+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		q.Header.Set("Content-Type", kind)
	}
	if d.bearer != "" {
		q.Header.Set("Authorization", "Bearer "+d.bearer)
	}
	q.Header.Set("Idempotency-Key", id.New())
	r, err := d.client.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode >= 300 {
		var p web.Problem
		b, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if json.Unmarshal(b, &p) != nil || p.Detail == "" {
			p.Detail = string(b)
		}
		var why []string
		for _, e := range p.Errors[:min(5, len(p.Errors))] {
			why = append(why, fmt.Sprintf("row %d %s: %s", e.Row, e.Name, e.Message))
		}
		return fmt.Errorf("%s %s: %d %s %s", method, path, r.StatusCode, p.Detail, strings.Join(why, "; "))
	}
	if out == nil {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	}
	return json.NewDecoder(r.Body).Decode(out)
}

type nextStep struct {
	Next          string
	Secret        string
	RecoveryCodes []string
}

// bind makes a second factor and returns what the app would hold.
func (d *door) bind(ctx context.Context) (secret, next string, err error) {
	var n nextStep
	if err := d.call(ctx, "POST", "/api/identity/enroll", struct{}{}, &n); err != nil {
		return "", "", err
	}
	secret = n.Secret
	code, err := totp.GenerateCode(secret, d.now())
	if err != nil {
		return "", "", err
	}
	err = d.call(ctx, "POST", "/api/identity/enroll/confirm", map[string]string{"code": code}, &n)
	return secret, n.Next, err
}

// prove shows the code the app would show.
func (d *door) prove(ctx context.Context, secret string) (next string, err error) {
	code, err := totp.GenerateCode(secret, d.now())
	if err != nil {
		return "", err
	}
	var n nextStep
	err = d.call(ctx, "POST", "/api/identity/totp", map[string]string{"code": code}, &n)
	return n.Next, err
}

// upload sends a file in chunks and returns its id.
func (d *door) upload(ctx context.Context, name string, r io.Reader, size int64) (string, error) {
	var u struct {
		ID    string
		Chunk int64
	}
	if err := d.call(ctx, "POST", "/api/file/uploads", map[string]any{"name": name, "size": size}, &u); err != nil {
		return "", err
	}
	buf := make([]byte, u.Chunk)
	for at := int64(0); at < size; {
		n, err := io.ReadFull(r, buf)
		if err != nil && err != io.ErrUnexpectedEOF {
			return "", err
		}
		if err := d.call(ctx, "PUT", fmt.Sprintf("/api/file/uploads/%s?offset=%d", url.PathEscape(u.ID), at), buf[:n], nil); err != nil {
			return "", err
		}
		at += int64(n)
	}
	var f struct{ ID string }
	err := d.call(ctx, "POST", "/api/file/uploads/"+url.PathEscape(u.ID)+"/done", nil, &f)
	return f.ID, err
}
