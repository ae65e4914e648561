// Package warehouse keeps big tables: engine-neutral words for loading one, naming its versions and asking it questions.
//
// A table is a line of versions. A version is immutable: it is written whole or not at all, the caller's row that names
// it is written last, and what no row names is collected by Sweep a day later. So readers keep the version they began
// with while the next one loads, and going back is naming an older one.
//
// An engine lives in a package below (duck, click) and passes the suite in warehousetest. Nothing here
// needs cgo.
package warehouse

import (
	"context"
	"embed"
	"iter"
	"time"
)

// Text holds the words of this package's errors, zh and en.
//
//go:embed text/*.json
var Text embed.FS

// Store is one warehouse. All methods may be called from many goroutines; loads run one after another, beside any
// number of queries.
//
// Errors carry a kind: Missing for an unknown version, Invalid for a wrong column, value or tree, Busy when the disk or
// the memory granted is full, the file belongs to another process or the server does not answer. A cancelled ctx gives ctx.Err().
type Store interface {
	// Load writes rows as a new version and returns it. It reads rows to the end or to the first error; whatever goes
	// wrong, a crash included, nothing of the version stays. Rows must come from a disk or from memory, not from a slow
	// network, since the next load waits; they may come from a Query of this store, but must not write to it.
	Load(ctx context.Context, spec Spec, rows iter.Seq2[Row, error]) (Loaded, error)
	// Version returns the version named id.
	Version(ctx context.Context, id string) (Version, error)
	// Versions returns all versions, oldest first.
	Versions(ctx context.Context) ([]Version, error)
	// Drop removes one version. A query that already runs on it finishes.
	Drop(ctx context.Context, id string) error
	// Sweep drops every version made before the given time for which live is false, and returns their ids.
	Sweep(ctx context.Context, live func(id string) bool, before time.Time) ([]string, error)
	// Query checks q and returns its answer, which is computed when its rows are ranged over.
	Query(ctx context.Context, q Query) (*Result, error)
	// Match looks up a list of keys in one go. Matches come in the order of the keys; keys nobody has are left out. The
	// first error ends the run.
	Match(ctx context.Context, m Matching) (iter.Seq2[Match, error], error)
	// Stats tells what the warehouse takes now.
	Stats(ctx context.Context) (Stats, error)
	// Close ends the store. Calls after it are Busy.
	Close() error
}

// Archive is a Store whose versions can be written to files of their own and read back. Files are named after the
// version, and versions never change, so a second snapshot into the same folder writes only what is new.
type Archive interface {
	Store
	// Snapshot writes the versions named ids into dir, each as <id>.parquet and <id>.json; the latter comes last and
	// holds the checksum of the former.
	Snapshot(ctx context.Context, dir string, ids []string) error
	// Restore loads every version found in dir that the store does not hold yet, and returns those. Bad files are
	// refused before anything is loaded from them.
	Restore(ctx context.Context, dir string) ([]Version, error)
}

// Spec says what Load is to make of the rows.
type Spec struct {
	Table       string    // what the version is a version of, for people and logs: identifiers joined by dots
	Columns     []Column  // in the order of Row.Values
	OnDuplicate Duplicate // what to do with a second row of the same key
	ListAtMost  int       // how many duplicates to list; 0 means 100
}

// Duplicate is a way to treat a row whose key came before.
type Duplicate string

// The ways. The zero value is Reject.
const (
	Reject    Duplicate = ""      // the load fails and lists them
	KeepFirst Duplicate = "first" // the first row stays, later ones are listed and left out
	KeepAll   Duplicate = "all"   // the key is only an index; Get may find several rows
)

// Row is one row to load.
type Row struct {
	// Line is the row's number in its source, for reports: rising, 0 for "the one after the last".
	Line int64
	// Values holds one value a column: nil, or what Type.Coerce takes. The store does not keep the slice.
	Values []any
}

// Version is one immutable state of a table.
type Version struct {
	ID      string    `json:"id"`      // see base/id
	Table   string    `json:"table"`   // Spec.Table
	Columns []Column  `json:"columns"` //
	Rows    int64     `json:"rows"`    //
	Bytes   int64     `json:"bytes"`   // size of the values as text, before compression
	Hash    string    `json:"hash"`    // SHA-256, hex, over columns and values in the order fed: equal input, equal hash
	Made    time.Time `json:"made"`    //
}

// Loaded is a new version and what was noticed on the way.
type Loaded struct {
	Version
	Duplicates int64    // rows left out by KeepFirst
	Listed     []Repeat // the first Spec.ListAtMost of them by line
}

// Repeat is a row whose key stood on an earlier line.
type Repeat struct{ Line, First int64 }

// Stats tells what a warehouse takes. Bytes everywhere.
type Stats struct {
	Versions int   // how many
	Rows     int64 // in all versions
	File     int64 // on disk, the log included
	Free     int64 // of File, what the next load will use before the file grows
	Memory   int64 // held by the engine
	Temp     int64 // spilled to disk by what runs now
}

// Result is the answer to a query.
type Result struct {
	Columns []Column // names and types of the values, in order
	// Rows runs the query and yields its rows; a slice once yielded is the caller's. It may be ranged over again, which
	// runs the query again. The first error ends it.
	Rows iter.Seq2[[]any, error]
}

// All returns every row. For answers known to be small.
func (r *Result) All() ([][]any, error) {
	var out [][]any
	for row, err := range r.Rows {
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}
