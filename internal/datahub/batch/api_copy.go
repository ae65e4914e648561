package batch

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/datahub/batch/internal/parcel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// fetchFor is how long a copy may be fetched after its password was shown.
const fetchFor = 15 * time.Minute

type copyIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Format string `json:"format" enum:"csv,xlsx"`
	}
}

type copyOut struct {
	Body struct {
		Code     string     `json:"code" doc:"stands in the file, seen and unseen"`
		Password string     `json:"password" doc:"of the ZIP; shown this once and kept nowhere after the copy was fetched"`
		Link     string     `json:"link" doc:"GET it once"`
		Until    store.Time `json:"until" doc:"until when it may be fetched"`
	}
}

// copy makes ready one more copy of a result, for the person who ran it: its own code, its own password.
func (b *Batch) copy(ctx context.Context, in *copyIn) (*copyOut, error) {
	me := authz.From(ctx)
	r, err := b.fetchable(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	password := letters(12)
	c := Copy{Code: b.code(), Format: in.Body.Format, Name: me.Name, At: store.At(b.now()), run: r.ID, person: me.Person, unit: me.Unit}
	c.sealed = b.ring.Seal(copyPlace(c.Code), []byte(password))
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertCopy(ctx, tx, c); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.copy", Object: "batch_run", ID: r.ID, Title: r.Title, Personal: true, Subjects: int(r.Hits), Purpose: r.Purpose,
			Detail: map[string]any{"code": c.Code, "format": c.Format, "number": r.Copies + 1}})
	})
	if err != nil {
		return nil, err
	}
	out := &copyOut{}
	out.Body.Code, out.Body.Password, out.Body.Link, out.Body.Until = c.Code, password, "/api/batch/copies/"+c.Code, store.At(c.At.Add(fetchFor))
	return out, nil
}

// fetchable returns a run whose result the actor may fetch: his own, or one that answers what he asked for.
func (b *Batch) fetchable(ctx context.Context, id string) (Run, error) {
	r, err := findRun(ctx, b.db, id, store.C("TRUE"))
	if err == nil && !b.answered(ctx, &r) {
		r, err = findRun(ctx, b.db, id, authz.Where(ctx, "batch.run").Cond())
	}
	switch {
	case err != nil:
		return r, err
	case r.Owner != authz.From(ctx).Person && !b.answered(ctx, &r):
		return r, errs.New(errs.Denied, "batch.not_yours", r.OwnerName)
	case r.State != Done:
		return r, errs.New(errs.Conflict, "batch.not_done")
	case r.Result == "" || r.sealed == "" || !b.now().Before(r.Expires.Time):
		return r, errs.New(errs.Conflict, "batch.expired")
	}
	return r, nil
}

// alphabet has no letter that is taken for another: no I, L, O, U, 0, 1.
const alphabet = "ABCDEFGHJKMNPQRSTVWXYZ23456789"

// letters returns n random letters, four by four with a hyphen between.
func letters(n int) string {
	var out strings.Builder
	buf := make([]byte, 1)
	for i := 0; i < n; {
		rand.Read(buf)
		if int(buf[0]) >= 256/len(alphabet)*len(alphabet) {
			continue
		}
		if i > 0 && i%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(alphabet[int(buf[0])%len(alphabet)])
		i++
	}
	return out.String()
}

// code returns a new code with its keyed tag: who makes one up is found out.
func (b *Batch) code() string {
	c := letters(8)
	return c + "-" + b.tags(c)[0]
}

func (b *Batch) tags(code string) []string {
	all := b.ring.Indexes("batch_copy.code", code)
	for i, x := range all {
		all[i] = strings.ToUpper(x[:4])
	}
	return all
}

// genuine reports whether a code was made by this installation.
func (b *Batch) genuine(code string) bool {
	at := strings.LastIndexByte(code, '-')
	if at < 0 {
		return false
	}
	for _, t := range b.tags(code[:at]) {
		if t == code[at+1:] {
			return true
		}
	}
	return false
}

// content gives a copy, once: an encrypted ZIP with one file in it.
func (b *Batch) content(w http.ResponseWriter, q *http.Request) error {
	ctx := q.Context()
	c, err := findCopy(ctx, b.db, q.PathValue("code"))
	if err == nil && c.person != authz.From(ctx).Person {
		err = errs.New(errs.Missing, "batch.no_copy")
	}
	if err != nil {
		return err
	}
	r, err := b.fetchable(ctx, c.run)
	if err != nil {
		return err
	}
	if c.sealed == "" || b.now().Sub(c.At.Time) >= fetchFor {
		return errs.New(errs.Conflict, "batch.copy_taken", int(fetchFor.Minutes()))
	}
	password, err := b.ring.Unseal(copyPlace(c.Code), c.sealed)
	if err != nil {
		return err
	}
	rows, done, err := b.unbox(ctx, &r)
	if err != nil {
		return err
	}
	defer done()
	now := store.At(b.now())
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := take(ctx, tx, c.Code, now); err != nil {
			if errs.Is(err, errs.Conflict) {
				return errs.New(errs.Conflict, "batch.copy_taken", int(fetchFor.Minutes()))
			}
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.fetch", Object: "batch_run", ID: r.ID, Title: r.Title, Personal: true, Subjects: int(r.Hits), Purpose: r.Purpose,
			Detail: map[string]any{"code": c.Code, "format": c.Format}})
	})
	if err != nil {
		return err
	}
	name := b.words.Text(r.Lang, "batch.copy_name", r.Title, c.Code)
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + ".zip"}))
	h.Set("Cache-Control", "no-store")
	if err := b.wrap(w, &r, c, name, string(password), rows); err != nil {
		panic(http.ErrAbortHandler) // headers are out: a half file must not be taken for a whole one
	}
	return nil
}

// unbox opens the rows of a result.
func (b *Batch) unbox(ctx context.Context, r *Run) (rows io.Reader, done func(), err error) {
	key, err := b.ring.Unseal(placeOf(r.ID), r.sealed)
	if err != nil {
		return nil, nil, err
	}
	_, body, err := b.files.Open(ctx, b.db, r.Result)
	if err != nil {
		return nil, nil, err
	}
	rows, err = parcel.OpenBox(body, key)
	if err != nil {
		return nil, nil, errors.Join(err, body.Close())
	}
	return rows, func() { body.Close() }, nil
}

// wrap writes the copy: a line that names who made it for what, the header with the unseen marks, the rows.
func (b *Batch) wrap(w io.Writer, r *Run, c Copy, name, password string, rows io.Reader) error {
	z, err := parcel.NewZip(w, name+"."+c.Format, password, b.now())
	if err != nil {
		return err
	}
	header := append([]string{}, r.Header...)
	markHeader(header, c.Code)
	note := b.words.Text(r.Lang, "batch.watermark", c.Name, moment(c.At), r.Purpose, c.Code)
	if c.Format == string(table.XLSX) {
		err = book(z, c.Code, note, header, rows)
	} else {
		head := table.AppendCSV([]byte("\uFEFF"), note)
		if _, err = z.Write(table.AppendCSV(head, header...)); err == nil {
			_, err = io.CopyBuffer(struct{ io.Writer }{z}, rows, make([]byte, 128<<10))
		}
	}
	if err != nil {
		return err
	}
	return z.Close()
}

// book writes the copy as a workbook. What the CSV guards against formulas is text here anyway.
func book(to io.Writer, sheet, note string, header []string, rows io.Reader) error {
	x, err := table.NewXLSX(to, sheet)
	if err != nil {
		return err
	}
	if err := x.Write(note); err != nil {
		return err
	}
	put := func(cells []string) error {
		values := make([]any, len(cells))
		for i, s := range cells {
			if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@\t\r", rune(s[1])) {
				s = s[1:]
			}
			values[i] = s
		}
		return x.Write(values...)
	}
	if err := put(header); err != nil {
		return err
	}
	in := csv.NewReader(rows)
	in.ReuseRecord = true
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return x.Close()
		}
		if err != nil {
			return err
		}
		if err := put(cells); err != nil {
			return err
		}
	}
}

type traceIn struct {
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"20000" doc:"a copy's code, its file name, or the first lines of a file that leaked"`
	}
}

type traceOut struct {
	Body struct {
		Found    bool       `json:"found"`
		Unseen   bool       `json:"unseen" doc:"by the mark that cannot be seen"`
		Code     string     `json:"code"`
		Run      string     `json:"run"`
		Title    string     `json:"title"`
		Purpose  string     `json:"purpose"`
		Name     string     `json:"name" doc:"of the person the copy was made for"`
		UnitName string     `json:"unitName"`
		Format   string     `json:"format"`
		At       store.Time `json:"at"`
		Taken    store.Time `json:"takenAt"`
	}
}

// trace tells whom a copy was made for, from what stands in it.
func (b *Batch) trace(ctx context.Context, in *traceIn) (*traceOut, error) {
	out := &traceOut{}
	code := ""
	for _, hidden := range unmark(in.Body.Text) {
		if code == "" && b.genuine(hidden) {
			code, out.Body.Unseen = hidden, true
		}
	}
	if code == "" {
		for _, word := range strings.FieldsFunc(strings.ToUpper(in.Body.Text), func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) {
			for i := 0; i+14 <= len(word) && code == ""; i++ {
				if b.genuine(word[i : i+14]) {
					code = word[i : i+14]
				}
			}
		}
	}
	e := audit.Entry{Action: "batch.trace", Object: "batch_run", Detail: map[string]any{"code": code, "found": code != ""}}
	if code != "" {
		c, err := findCopy(ctx, b.db, code)
		if err != nil {
			return nil, err
		}
		r, err := findRun(ctx, b.db, c.run, authz.WhereCols(ctx, "batch.trace", authz.Cols{Unit: "owner_unit", Street: "owner_street"}).Cond())
		if err != nil {
			return nil, err
		}
		names, err := b.names.Units(ctx, b.db, []string{c.unit})
		if err != nil {
			return nil, err
		}
		o := &out.Body
		o.Found, o.Code, o.Run, o.Title, o.Purpose, o.Name, o.UnitName, o.Format, o.At, o.Taken = true, c.Code, r.ID, r.Title, r.Purpose, c.Name, names[c.unit], c.Format, c.At, c.Taken
		e.ID, e.Title = r.ID, r.Title
	}
	return out, b.audit.Note(ctx, e)
}
