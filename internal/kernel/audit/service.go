package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
)

const (
	collect = 200 * time.Millisecond // after a commit, so that its neighbours come along in one transaction
	late    = time.Minute            // a row without a place for so long means that chaining has stopped
)

// serve chains what is committed and signs the roots, on one replica at a time. A commit here wakes it;
// one on another replica is found by the ticker.
func (l *Log) serve(ctx context.Context) error {
	l.fresh.keep(true)
	defer l.fresh.keep(false)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	if err := l.files.catchUp(ctx, l.db); err != nil {
		return err
	}
	var quiet time.Time // nothing is to be signed before then
	for {
		_, err := l.Chain(ctx)
		if err == nil && !l.now().Before(quiet) {
			quiet, err = l.sealDue(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-l.wake:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(collect):
			}
		}
	}
}

// errMoved says that another replica chained meanwhile.
var errMoved = errors.New("audit: the end of the chain has moved")

// Chain gives every committed row its place, oldest id first, and returns how many there were. A row
// committed later than younger ones simply gets the later place. Any replica may call it; the service
// does so within a second of every commit.
func (l *Log) Chain(ctx context.Context) (int, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	total, moved := 0, 0
	for {
		n, more, err := l.step(ctx)
		total += n
		if errors.Is(err, errMoved) && moved < 100 {
			moved++ // somebody else chained: what he did is seen once it is committed
			select {
			case <-ctx.Done():
				return total, ctx.Err()
			case <-time.After(time.Duration(min(moved, 20)) * time.Millisecond):
			}
			continue
		}
		if err != nil || !more {
			return total, err
		}
	}
}

// step chains what is found at one look; more says that there may be others. Reading and hashing happen outside the
// transactions: each holds the one writer only for the places of its batch.
func (l *Log) step(ctx context.Context) (n int, more bool, err error) {
	was, from, damaged, err := l.end(ctx)
	if err != nil {
		return 0, false, err
	}
	now, err := l.db.Moment(ctx, numbered) // before the look, so that the look has seen everything up to it
	if err != nil {
		return 0, false, err
	}
	where, first := l.sight(was, now)
	ids, all, err := where.ids(ctx, l.db, l.atLook)
	if err != nil {
		return 0, false, err
	}
	if len(ids) == 0 {
		l.fresh.forget()
		if !first || damaged || was.Seq == 0 { // after a first look the kept end is written anew even so
			l.looked = true
			return 0, false, nil
		}
	}
	for left := ids; ; {
		some := left[:min(batch, len(left))]
		left = left[len(some):]
		next := was
		if all && len(left) == 0 {
			next.Seen, next.Flight = now.Next, now.Flight()
		}
		if was, err = l.place(ctx, was, from, next, some); err != nil {
			return n, false, err
		}
		n += len(some)
		if from = was.head; len(left) == 0 {
			break
		}
	}
	l.looked = l.looked || all
	return n, damaged || !all, nil
}

// sight is where rows wait for the next step. The first look of a process goes everywhere: a database restored into another
// server counts its transactions anew.
func (l *Log) sight(was marked, now store.Moment) (s sight, first bool) {
	if s := was.sight(now); s != nil && l.looked {
		return s, false
	}
	return everywhere(), true
}

// sight is where rows may wait behind the kept end, nil when it is not comparable with now.
func (m marked) sight(now store.Moment) sight {
	last, err := store.MomentOf(m.Seen, m.Flight)
	if err != nil || now.Next < last.Next {
		return nil
	}
	return since(last, now)
}

// place chains rows behind from and moves the kept end from was to next.
func (l *Log) place(ctx context.Context, was marked, from head, next marked, ids []string) (marked, error) {
	rows, err := l.texts(ctx, ids)
	if err != nil {
		return was, err
	}
	to := from
	places := make([]place, len(rows))
	for i, r := range rows {
		to = head{to.Seq + 1, link(to.Hash, record(to.Seq+1, r.text))}
		places[i] = place{r.id, to}
	}
	next.head, next.MAC = to, l.mark(to)
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "audit", "chain"); err != nil {
			return err
		}
		is, _, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		if is != was {
			return errMoved
		}
		if err := placed(ctx, tx, places); err != nil {
			return err
		}
		return writeHead(ctx, tx, next)
	})
	if err != nil {
		return was, err
	}
	l.last = to
	return next, nil
}

// openRow is a row without a place: all the chain needs of it.
type openRow struct{ id, text string }

// texts returns rows with their texts. That of a row written here is still in memory; the others are read.
func (l *Log) texts(ctx context.Context, ids []string) ([]openRow, error) {
	rows := make([]openRow, len(ids))
	var lacking []string
	for i, id := range ids {
		text, ok := l.fresh.take(id)
		if rows[i] = (openRow{id, text}); !ok {
			lacking = append(lacking, id)
		}
	}
	texts, err := textsOf(ctx, l.db, lacking)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].text == "" {
			rows[i].text = texts[rows[i].id]
		}
	}
	return rows, nil
}

// fresh keeps the texts of entries committed here until they are chained, where the service runs.
type fresh struct {
	mu    sync.Mutex
	on    bool
	texts map[string]string
}

// maxFresh bounds it: some 10 MB. What does not fit is read from the table.
const maxFresh = 20_000

func (f *fresh) add(id, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.on && len(f.texts) < maxFresh {
		f.texts[id] = text
	}
}

func (f *fresh) take(id string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, ok := f.texts[id]
	delete(f.texts, id)
	return text, ok
}

// forget drops what came too late to be taken: a row may be chained before its commit is told here.
func (f *fresh) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.texts)
}

// keep starts or ends keeping.
func (f *fresh) keep(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on, f.texts = on, map[string]string{}
}

// end returns the kept end of the chain as it stands, and the end to go on from. They differ when
// somebody touched the kept one: the chain then goes on behind the last place anybody knows of, so that
// the damage stays visible as a gap, and an entry of the log says so.
func (l *Log) end(ctx context.Context) (is marked, from head, damaged bool, err error) {
	is, ok, err := readHead(ctx, l.db)
	if err != nil || ok && l.genuine(is) && is.Seq >= l.last.Seq {
		return is, is.head, false, err
	}
	known, err := l.known(ctx)
	if err != nil || known.Seq == 0 && !ok {
		return is, known, false, err // a new installation
	}
	again, _, err := readHead(ctx, l.db)
	if err == nil && again != is {
		err = errMoved // another replica chained between the two looks
	}
	if err != nil {
		return is, known, false, err
	}
	slog.ErrorContext(ctx, "audit: the kept end of the chain was changed or removed past this program", "kept", is.Seq, "known", known.Seq)
	err = l.Note(ctx, Entry{Action: "audit.head_lost", Object: "audit", Result: Failed, Detail: map[string]any{"kept": is.Seq, "known": known.Seq}})
	return is, known, true, err
}

// known is the farthest place in the chain of which this process, the rows or a root tells.
func (l *Log) known(ctx context.Context) (head, error) {
	known := l.last
	row, _, err := lastRow(ctx, l.db)
	if err != nil {
		return known, err
	}
	root, err := newestRoot(ctx, l.db, "")
	if err != nil {
		return known, err
	}
	for _, h := range []head{row, {root.To, root.Head}} {
		if h.Seq > known.Seq {
			known = h
		}
	}
	if known.Seq == 0 {
		known.Hash = genesis()
	}
	return known, nil
}

func (l *Log) mark(h head) string {
	return l.ring.MACHex(secret.Audit, "head", record(h.Seq, h.Hash))
}

func (l *Log) genuine(m marked) bool {
	return l.ring.VerifyMAC(secret.Audit, m.MAC, "head", record(m.Seq, m.Hash))
}

// Health reports that chaining has stopped: the alarm GB/T 22239-2019 §8.1.4.3 d) asks for. Nil is well.
func (l *Log) Health(ctx context.Context) error {
	was, _, err := readHead(ctx, l.db)
	if err != nil {
		return err
	}
	now, err := l.db.Moment(ctx, numbered)
	if err != nil {
		return err
	}
	where := was.sight(now)
	if where == nil {
		where = everywhere()
	}
	b, err := where.waiting(ctx, l.db, store.At(l.now().Add(-late)))
	if err != nil {
		return err
	}
	if b.N > 0 {
		return errs.New(errs.Busy, "audit.stopped", b.N, fmt.Sprint(l.now().Sub(b.Oldest.Time).Round(time.Second)))
	}
	return nil
}
