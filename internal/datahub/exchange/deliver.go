package exchange

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/when"
	"qushu/internal/datahub/exchange/internal/deliver"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// sending is one delivery under way.
type sending struct {
	*Exchange
	run      RunLine
	delivery delivery
	grant    grant
	held     dataset.Grant
	ds       dataset.Dataset
	secret   string
	rows     int64
}

// deliver does one run. A program that stopped in the middle begins it anew: nothing of it was seen yet.
func (x *Exchange) deliver(ctx context.Context, j runJob) error {
	ctx = room.BySystem(ctx)
	r, err := store.One(ctx, x.db, scanRun, `SELECT `+runColumns+` FROM exchange_run r WHERE r.id = $1 AND r.state IN ('queued', 'running')`, j.Run)
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	s := &sending{Exchange: x, run: r}
	err = s.all(ctx)
	switch {
	case err == nil || errors.Is(err, errCancelled):
		return nil
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ctx.Err()
	}
	return s.fail(context.WithoutCancel(ctx), err)
}

var errCancelled = errors.New("exchange: the delivery was cancelled")

func (s *sending) all(ctx context.Context) error {
	var err error
	if s.delivery, err = findDelivery(ctx, s.db, s.run.Delivery); err != nil {
		return err
	}
	if s.grant, err = findGrant(ctx, s.db, store.C("a.id = $1", s.delivery.Grant)); err != nil {
		return err
	}
	if s.held, err = s.inUse(ctx, s.db, &s.grant, dataset.Push); err != nil {
		return err
	}
	t := s.delivery.Plan.V.Target
	if err := s.reachable(ctx, t); err != nil {
		return err
	}
	if s.ds, err = s.datasets.Get(ctx, s.db, s.grant.Dataset, everyDataset); err != nil {
		return err
	}
	if s.delivery.sealed != "" {
		plain, err := s.ring.Unseal(deliveryPlace(s.delivery.ID), s.delivery.sealed)
		if err != nil {
			return err
		}
		s.secret = string(plain)
	}
	s.run.Number = s.ds.Number
	if err := s.tell(ctx, "UPDATE exchange_run SET state = 'running', begun_at = $1, number = $2 WHERE id = $3 AND state IN ('queued', 'running')", store.At(s.now()), s.run.Number, s.run.ID); err != nil {
		return err
	}
	if t.Kind == "folder" || t.Kind == "sftp" {
		return s.file(ctx)
	}
	return s.table(ctx)
}

// tell writes on the run's row; errCancelled when it is no longer under way.
func (s *sending) tell(ctx context.Context, sql string, args ...any) error {
	err := store.ExecOne(ctx, s.db, sql, args...)
	if errs.Is(err, errs.Conflict) {
		return errCancelled
	}
	return err
}

// each gives every row, and says every ten thousand how far it is.
func (s *sending) each(ctx context.Context, yield func([]any) error) ([]dataset.Column, error) {
	return s.datasets.Each(ctx, s.ds, s.held, func(row []any) error {
		if s.rows++; s.rows%10_000 == 0 {
			if err := s.tell(ctx, "UPDATE exchange_run SET rows_done = $1 WHERE id = $2 AND state = 'running'", s.rows, s.run.ID); err != nil {
				return err
			}
		}
		return yield(row)
	})
}

// settle counts what goes out and records it, before it may be seen.
func (s *sending) settle(ctx context.Context, cols []dataset.Column) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := store.ExecOne(ctx, tx, `UPDATE exchange_run SET rows_done = $1, bytes = $2, file = $3, hash = $4 WHERE id = $5 AND state = 'running'`, s.rows, s.run.Bytes, s.run.File, s.run.Hash, s.run.ID)
		if errs.Is(err, errs.Conflict) {
			return errCancelled
		}
		if err != nil {
			return err
		}
		if err := s.datasets.Spend(ctx, tx, s.held, s.rows); err != nil {
			return err
		}
		t := s.delivery.Plan.V.Target
		return s.audit.Record(ctx, tx, entryOf(&s.grant, "exchange.delivered", int(s.rows), cols, map[string]any{"grant": s.held.ID, "delivery": s.delivery.ID, "run": s.run.ID, "version": s.ds.Current,
			"rows": s.rows, "columns": named(cols), "kind": t.Kind, "host": t.Host, "file": s.run.File, "hash": s.run.Hash}, nil))
	})
}

// finish marks the run done.
func (s *sending) finish(ctx context.Context) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `UPDATE exchange_run SET state = 'done', ended_at = $1 WHERE id = $2`, store.At(s.now()), s.run.ID); err != nil {
			return err
		}
		return store.Exec(ctx, tx, `UPDATE exchange_delivery SET sent = $1 WHERE id = $2`, s.run.Number, s.delivery.ID)
	})
}

// fail says why a run failed, to who set the delivery up too.
func (s *sending) fail(ctx context.Context, why error) error {
	slog.WarnContext(ctx, "exchange: a delivery failed", "run", s.run.ID, "error", why)
	key := errs.KeyOf(why)
	if key == "" || errs.Is(why, errs.Internal) {
		key, why = "exchange.run_failed", errs.New(errs.Internal, "exchange.run_failed")
	}
	var args []any
	if e, ok := errors.AsType[*errs.Error](why); ok {
		args = e.Args
	}
	reason := s.words.Text("zh", key, args...)
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `UPDATE exchange_run SET state = 'failed', reason = $1, ended_at = $2 WHERE id = $3 AND state IN ('queued', 'running')`, reason, store.At(s.now()), s.run.ID); err != nil {
			return err
		}
		if s.delivery.ID == "" {
			return nil
		}
		return s.Exchange.tell(ctx, tx, []string{s.delivery.By}, notify.Alarm, "exchange.told_failed", []any{s.delivery.Title, reason}, "/exchange/grants/"+s.delivery.Grant+"?tab=delivery")
	})
}

// table writes the rows into the receiver's table, in one transaction of his database.
func (s *sending) table(ctx context.Context) error {
	t := s.delivery.Plan.V.Target
	db, err := deliver.OpenRows(ctx, t, s.secret)
	if err != nil {
		return err
	}
	defer db.Close()
	theirs, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer theirs.Rollback()
	cols, err := s.held.Shows(s.ds, nil)
	if err != nil {
		return err
	}
	w := deliver.NewWriter(theirs, t, named(cols))
	if _, err := s.each(ctx, func(row []any) error { return w.Write(ctx, row) }); err != nil {
		return s.theirs(err)
	}
	if err := w.Flush(ctx); err != nil {
		return s.theirs(err)
	}
	if err := s.settle(ctx, cols); err != nil {
		return err
	}
	if err := theirs.Commit(); err != nil {
		return s.theirs(err)
	}
	return s.finish(ctx)
}

// theirs words what the receiver's database said.
func (s *sending) theirs(err error) error {
	if _, ok := errors.AsType[*errs.Error](err); ok || errors.Is(err, errCancelled) {
		return err
	}
	return errs.Wrap(err, errs.Conflict, "exchange.their_database", cut(err.Error()))
}

// manifest says what was delivered; it stands beside the file, signed.
type manifest struct {
	Resource string           `json:"resource"`
	Title    string           `json:"title"`
	Grant    string           `json:"grant"`
	Version  int64            `json:"version"`
	Updated  store.Time       `json:"updatedAt"`
	At       store.Time       `json:"at"`
	File     string           `json:"file"`
	Rows     int64            `json:"rows"`
	Bytes    int64            `json:"bytes"`
	SHA256   string           `json:"sha256"`
	Columns  []manifestColumn `json:"columns"`
	Schema   string           `json:"schemaSha256"`
}

type manifestColumn struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Type   string `json:"type"`
	Masked bool   `json:"masked"`
}

// signature is how a manifest is signed: SM2 with SM3, user id 1234567812345678, ASN.1 (GB/T 32918.2, GB/T 35276).
type signature struct {
	Key       string `json:"keyId"`
	Algorithm string `json:"algorithm"`
	Signature string `json:"signature"`
}

// file delivers one file with its manifest and signature; the manifest comes last, so that who sees it has all.
func (s *sending) file(ctx context.Context) error {
	p := s.delivery.Plan.V
	place, err := deliver.OpenPlace(ctx, p.Target, s.settings.String(ctx, "exchange.folder"), s.secret)
	if err != nil {
		return err
	}
	defer place.Close()
	spool, err := os.CreateTemp("", "qushu-delivery-*")
	if err != nil {
		return err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	cols, err := s.write(ctx, spool, p.Format)
	if err != nil {
		return err
	}
	s.run.File = s.ds.Name + "-"
	if !s.ds.IsLive() {
		s.run.File += "v" + strconv.FormatInt(s.run.Number, 10) + "-"
	}
	s.run.File += s.now().In(when.Zone).Format("20060102150405") + "." + p.Format
	m, sig, err := s.manifest(cols)
	if err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	files := []struct {
		name string
		r    io.Reader
	}{{s.run.File, spool}, {s.run.File + ".manifest.sig", bytes.NewReader(sig)}, {s.run.File + ".manifest.json", bytes.NewReader(m)}}
	for _, f := range files {
		if err := place.Stage(ctx, f.name, f.r); err != nil {
			return errs.Wrap(err, errs.Busy, "exchange.not_written", f.name)
		}
	}
	if err := s.settle(ctx, cols); err != nil {
		return err
	}
	for _, f := range files {
		if err := place.Commit(f.name); err != nil {
			return errs.Wrap(err, errs.Busy, "exchange.not_written", f.name)
		}
	}
	return s.finish(ctx)
}

// write writes the rows as a table and notes its size and digest.
func (s *sending) write(ctx context.Context, spool *os.File, format string) ([]dataset.Column, error) {
	sum := sha256.New()
	out := io.MultiWriter(spool, sum)
	w := table.NewCSV(out, table.CSVOptions{NoBOM: true, Verbatim: true})
	if format == "xlsx" {
		var err error
		if w, err = table.NewXLSX(out, s.ds.Title); err != nil {
			return nil, err
		}
	}
	cols, err := s.held.Shows(s.ds, nil)
	if err != nil {
		return nil, err
	}
	head := make([]any, len(cols))
	for i, c := range cols {
		head[i] = c.Name
	}
	if err := w.Write(head...); err != nil {
		return nil, err
	}
	if _, err := s.each(ctx, func(row []any) error { return w.Write(row...) }); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	size, err := spool.Seek(0, io.SeekEnd)
	s.run.Bytes, s.run.Hash = size, hex.EncodeToString(sum.Sum(nil))
	return cols, err
}

func (s *sending) manifest(cols []dataset.Column) (m, sig []byte, err error) {
	doc := manifest{Resource: s.ds.Name, Title: s.ds.Title, Grant: s.grant.ID, Version: s.run.Number, Updated: s.ds.Updated, At: store.At(s.now()), File: s.run.File, Rows: s.rows, Bytes: s.run.Bytes, SHA256: s.run.Hash}
	for _, c := range cols {
		doc.Columns = append(doc.Columns, manifestColumn{c.Name, c.Title, c.Type.String(), !s.held.Clear(c)})
	}
	said, err := json.Marshal(doc.Columns)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(said)
	doc.Schema = hex.EncodeToString(sum[:])
	if m, err = json.MarshalIndent(doc, "", "  "); err != nil {
		return nil, nil, err
	}
	key, raw, err := s.ring.Sign(m)
	if err != nil {
		return nil, nil, err
	}
	sig, err = json.MarshalIndent(signature{key, "SM2-SM3", base64.StdEncoding.EncodeToString(raw)}, "", "  ")
	return m, sig, err
}
