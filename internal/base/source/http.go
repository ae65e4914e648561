package source

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

// API says how rows are asked for over HTTP.
type API struct {
	URL    string `json:"url,omitempty" required:"false" maxLength:"1000" doc:"of the first page"`
	Header string `json:"header,omitempty" required:"false" maxLength:"100" doc:"name of the header the secret is sent in, Authorization when empty"`
	Rows   string `json:"rows,omitempty" required:"false" maxLength:"200" doc:"where the rows stand in the answer, parts joined by points; empty when the answer is the list"`
	Paging string `json:"paging,omitempty" required:"false" enum:",page,offset,cursor,link" doc:"empty: one page only"`
	Param  string `json:"param,omitempty" required:"false" maxLength:"100" doc:"query parameter of the page's number, offset or cursor"`
	SizeBy string `json:"sizeBy,omitempty" required:"false" maxLength:"100" doc:"query parameter of the page's size, empty for none"`
	Size   int    `json:"size,omitempty" required:"false" minimum:"0" maximum:"10000" doc:"rows of a page"`
	First  int    `json:"first,omitempty" required:"false" minimum:"0" maximum:"1" doc:"number of the first page"`
	Next   string `json:"next,omitempty" required:"false" maxLength:"200" doc:"where the cursor or the address of the next page stands in the answer; of link, empty for the Link header"`
	Max    int    `json:"max,omitempty" required:"false" minimum:"0" maximum:"100000" doc:"pages at most, 0 for 1000"`
	Pace   int    `json:"pace,omitempty" required:"false" minimum:"0" maximum:"1000" doc:"requests a second at most, 0 for 5"`
}

func (a API) check() []errs.Field {
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return []errs.Field{{Name: "url", Key: "source.bad_url"}}
	}
	switch {
	case (a.Paging == "page" || a.Paging == "offset" || a.Paging == "cursor") && a.Param == "":
		return []errs.Field{{Name: "param", Key: "source.needed"}}
	case a.Paging == "cursor" && a.Next == "":
		return []errs.Field{{Name: "next", Key: "source.needed"}}
	}
	return nil
}

// Limits of what an API may cost.
const (
	usualPages = 1000
	usualPace  = 5
	maxAnswer  = 64 << 20 // bytes of one page
	httpTries  = 5
)

// pages is a Conn over HTTP. It has one object, the list.
type pages struct {
	api    API
	secret string
	client *http.Client
	pace   *rate.Limiter
	temp   string
	tries  int
	row    int
}

func openHTTP(ctx context.Context, s Spec, secret string, f Fence) (Conn, error) {
	u, err := url.Parse(s.API.URL)
	if err != nil {
		return nil, errs.New(errs.Invalid, "source.bad_url")
	}
	pace := s.API.Pace
	if pace == 0 {
		pace = usualPace
	}
	p := &pages{api: s.API, secret: secret, pace: rate.NewLimiter(rate.Limit(pace), 1), temp: f.Temp, tries: 1}
	p.client = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DialContext: f.dial, TLSHandshakeTimeout: dialFor, ResponseHeaderTimeout: time.Minute, MaxIdleConns: 2},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 3 || r.URL.Host != u.Host { // the secret goes to nobody else
				return http.ErrUseLastResponse
			}
			return nil
		}}
	if _, _, err := p.page(ctx, s.API.URL); err != nil { // says at once what is wrong
		return nil, err
	}
	p.tries = httpTries
	return p, nil
}

// Tables implements Conn.
func (p *pages) Tables(context.Context, string, int) ([]Table, error) {
	u, err := url.Parse(p.api.URL)
	if err != nil {
		return nil, errs.New(errs.Invalid, "source.bad_url")
	}
	return []Table{{Name: cmp.Or(strings.Trim(u.Path, "/"), "api"), Rows: -1}}, nil
}

// Columns implements Conn: those of the first page.
func (p *pages) Columns(ctx context.Context, _ string) ([]Column, error) {
	_, h, done, err := p.gather(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer done()
	return headed(h), nil
}

// Rows implements Conn.
func (p *pages) Rows(ctx context.Context, ask Ask) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		most := cmp.Or(p.api.Max, usualPages)
		if ask.Limit > 0 {
			most = 1
		}
		r, h, done, err := p.gather(ctx, most)
		if err != nil {
			yield(nil, err)
			return
		}
		defer done()
		left := ask.Limit
		sheetRows(ctx, r, h, ask, &p.row, &left, yield)
	}
}

// Row implements Numbered.
func (p *pages) Row() int { return p.row }

// Close implements Conn.
func (p *pages) Close() error { p.client.CloseIdleConnections(); return nil }

// gather brings pages into a temporary file, an object a line, and opens it as a table.
func (p *pages) gather(ctx context.Context, most int) (*table.Reader, table.Head, func(), error) {
	f, err := unnamed(p.temp)
	if err != nil {
		return nil, table.Head{}, nil, err
	}
	if err := p.all(ctx, f, most); err != nil {
		f.Close()
		return nil, table.Head{}, nil, err
	}
	return openSheet(f, "api.json")
}

func (p *pages) all(ctx context.Context, f *os.File, most int) error {
	w := bufio.NewWriter(f)
	at, n := p.api.URL, 0
	seen := map[string]bool{}
	for page := 0; at != ""; page++ {
		if page == most {
			if most == 1 {
				break
			}
			return errs.New(errs.TooLarge, "source.too_many_pages", most)
		}
		asked := p.address(at, page, n)
		if seen[asked] {
			return errs.New(errs.Invalid, "source.page_again", page+1)
		}
		seen[asked] = true
		body, header, err := p.page(ctx, asked)
		if err != nil {
			return err
		}
		rows, err := p.rows(body)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if len(r) == 0 || r[0] != '{' {
				return errs.New(errs.Invalid, "source.no_objects", p.api.Rows)
			}
			var b bytes.Buffer
			if err := json.Compact(&b, r); err != nil {
				return errs.New(errs.Invalid, "source.no_json")
			}
			b.WriteByte('\n')
			if _, err := w.Write(b.Bytes()); err != nil {
				return errs.Wrap(err, errs.Busy, "source.temp_full")
			}
		}
		n += len(rows)
		at = p.next(at, body, header, len(rows))
	}
	if err := w.Flush(); err != nil {
		return errs.Wrap(err, errs.Busy, "source.temp_full")
	}
	return nil
}

// address is that of a page; at is the first one's, or where the answer before led.
func (p *pages) address(at string, page, rows int) string {
	u, err := url.Parse(at)
	if err != nil {
		return at
	}
	q := u.Query()
	switch p.api.Paging {
	case "page":
		q.Set(p.api.Param, strconv.Itoa(p.api.First+page))
	case "offset":
		q.Set(p.api.Param, strconv.Itoa(rows))
	}
	if p.api.Paging != "" && p.api.SizeBy != "" && p.api.Size > 0 {
		q.Set(p.api.SizeBy, strconv.Itoa(p.api.Size))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// next is where the next page is, "" when this was the last.
func (p *pages) next(at string, body []byte, header http.Header, rows int) string {
	full := rows > 0 && (p.api.Size == 0 || p.api.SizeBy == "" || rows >= p.api.Size)
	switch p.api.Paging {
	case "page", "offset":
		if full {
			return p.api.URL
		}
	case "cursor":
		var cursor any
		if raw, ok := find(body, p.api.Next); ok && json.Unmarshal(raw, &cursor) == nil && cursor != nil && fmt.Sprint(cursor) != "" && rows > 0 {
			u, err := url.Parse(p.api.URL)
			if err != nil {
				return ""
			}
			q := u.Query()
			q.Set(p.api.Param, strings.Trim(string(raw), `"`))
			u.RawQuery = q.Encode()
			return u.String()
		}
	case "link":
		link := ""
		if p.api.Next == "" {
			link = nextLink(header)
		} else if raw, ok := find(body, p.api.Next); ok {
			_ = json.Unmarshal(raw, &link)
		}
		from, err1 := url.Parse(at)
		to, err2 := url.Parse(link)
		if link != "" && err1 == nil && err2 == nil {
			if to = from.ResolveReference(to); to.Host == from.Host && to.Scheme == from.Scheme { // the secret goes to nobody else
				return to.String()
			}
		}
	}
	return ""
}

// nextLink reads the Link header (RFC 8288).
func nextLink(h http.Header) string {
	for _, v := range h.Values("Link") {
		for part := range strings.SplitSeq(v, ",") {
			target, params, ok := strings.Cut(strings.TrimSpace(part), ">")
			if ok && strings.HasPrefix(target, "<") && (strings.Contains(params, `rel="next"`) || strings.Contains(params, "rel=next")) {
				return target[1:]
			}
		}
	}
	return ""
}

func (p *pages) rows(body []byte) ([]json.RawMessage, error) {
	raw, ok := find(body, p.api.Rows)
	var rows []json.RawMessage
	if ok && string(raw) == "null" {
		return nil, nil
	}
	if !ok || json.Unmarshal(raw, &rows) != nil {
		return nil, errs.New(errs.Invalid, "source.no_rows_there", cmp.Or(p.api.Rows, "/"))
	}
	return rows, nil
}

// find follows a path of names parted by points.
func find(body []byte, path string) (json.RawMessage, bool) {
	raw := json.RawMessage(bytes.TrimSpace(body))
	if path == "" {
		return raw, true
	}
	for name := range strings.SplitSeq(path, ".") {
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil {
			return nil, false
		}
		var ok bool
		if raw, ok = m[strings.TrimSpace(name)]; !ok {
			return nil, false
		}
	}
	return raw, true
}

// page asks for one page; what another try may mend is tried again, at the pace agreed.
func (p *pages) page(ctx context.Context, at string) ([]byte, http.Header, error) {
	var last error
	for try := range p.tries {
		if try > 0 {
			select {
			case <-time.After(min(time.Second<<(try-1), 8*time.Second)):
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		}
		if err := p.pace.Wait(ctx); err != nil {
			return nil, nil, err
		}
		body, header, again, err := p.once(ctx, at)
		if err == nil || !again {
			return body, header, err
		}
		last = err
	}
	return nil, nil, last
}

func (p *pages) once(ctx context.Context, at string) (body []byte, header http.Header, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, nil, false, errs.New(errs.Invalid, "source.bad_url")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "qushu")
	switch {
	case p.secret == "":
	case p.api.Header == "" || strings.EqualFold(p.api.Header, "Authorization") && !strings.Contains(p.secret, " "):
		req.Header.Set("Authorization", "Bearer "+p.secret)
	default:
		req.Header.Set(p.api.Header, p.secret)
	}
	res, err := p.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*errs.Error](err); ok {
			return nil, nil, false, e
		}
		if ctx.Err() != nil {
			return nil, nil, false, ctx.Err()
		}
		return nil, nil, true, errs.Wrap(err, errs.Busy, "source.unreachable", req.URL.Host)
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, true, errs.Wrap(err, errs.Busy, "source.broken_off", clip(err.Error()))
	case len(body) > maxAnswer:
		return nil, nil, false, errs.New(errs.TooLarge, "source.long_answer", maxAnswer>>20)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, nil, false, errs.New(errs.Denied, "source.no_token")
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		return nil, nil, true, errs.New(errs.Busy, "source.status", res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return nil, nil, false, errs.New(errs.Invalid, "source.status", res.StatusCode)
	case !json.Valid(body):
		return nil, nil, false, errs.New(errs.Invalid, "source.no_json")
	}
	return body, res.Header, false, nil
}
