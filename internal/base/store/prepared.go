package store

import (
	"context"
	"database/sql"
	"strings"
	"sync"
)

// prepared keeps statements of SQLite ready: a third of the time of a deed went into parsing the same texts again and again.
// PostgreSQL's driver does this by itself. A text is kept when it comes a second time; the writer, which has one connection, prepares
// it before the next transaction begins.
type prepared struct {
	db    *sql.DB
	mu    sync.Mutex
	seen  map[string]bool
	want  []string
	ready map[string]*sql.Stmt
}

// Bounds: texts with a list of values in them come in many lengths.
const (
	mostReady = 600
	mostSeen  = 4000
	longest   = 6000 // bytes
)

func newPrepared(db *sql.DB) *prepared {
	return &prepared{db: db, seen: map[string]bool{}, ready: map[string]*sql.Stmt{}}
}

// get returns the statement of a text, nil when it is not ready. wanted reports that it should be.
func (p *prepared) get(q string) (s *sql.Stmt, wanted bool) {
	if p == nil || len(q) > longest {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.ready[q]; s != nil {
		return s, false
	}
	if len(p.ready)+len(p.want) >= mostReady || strings.Contains(q, ";") {
		return nil, false
	}
	if !p.seen[q] {
		if len(p.seen) >= mostSeen {
			clear(p.seen)
		}
		p.seen[q] = true
		return nil, false
	}
	return nil, true
}

// ask remembers a text to be prepared when the connection is free.
func (p *prepared) ask(q string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.want {
		if w == q {
			return
		}
	}
	p.want = append(p.want, q)
}

// make prepares a text now. One that cannot be prepared is run as it is, and says itself what is wrong with it.
func (p *prepared) make(ctx context.Context, q string) *sql.Stmt {
	s, err := p.db.PrepareContext(context.WithoutCancel(ctx), q)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if was := p.ready[q]; was != nil {
		s.Close()
		return was
	}
	p.ready[q] = s
	return s
}

// catchUp prepares what was asked for; the connection is free.
func (p *prepared) catchUp(ctx context.Context) {
	p.mu.Lock()
	want := p.want
	p.want = nil
	p.mu.Unlock()
	for _, q := range want {
		p.make(ctx, q)
	}
}

// read runs a text of the readers.
func (p *prepared) read(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	s, wanted := p.get(q)
	if wanted {
		s = p.make(ctx, q)
	}
	if s == nil {
		return p.db.QueryContext(ctx, q, args...)
	}
	return s.QueryContext(ctx, args...)
}
