// Package batch holds a list of keys against a dataset (批量核验): the person states purpose and legal basis, uploads
// the list, sees what is wrong with it, and a grant that stands for batches is checked before anything is matched. The
// answer has one row for each of the list, in its order, with as little in it as was asked for; it lies sealed, ends by
// itself, and every copy of it names the person it was made for.
//
// A run ends as a whole: the transaction that spends the grant's quota and enters the run into the ledger is the one
// that lets the result be fetched. A worker that dies leaves nothing; the run is done again from its beginning.
package batch

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Names tells what units are called. Ids it does not know are left out.
type Names interface {
	Units(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
}

// Ledger is where every look at a person's data stands.
type Ledger interface {
	// Indexer returns the blind index of keys of a dataset's column, for one goroutine.
	Indexer(dataset, column string) func(key string) uint64
	// Enter writes a run into the ledger in tx and returns the root over its subjects.
	Enter(ctx context.Context, tx *store.Tx, e Entry) (root string, err error)
}

// Watch notices what is to be explained about a run before it is entered.
type Watch interface {
	// Related finds whose keys stand on a list: those of who runs it, his family, his colleagues.
	Related(ctx context.Context, e Entry) (marks []string, err error)
	// Differs reports whether a list differs from that of one of earlier runs, by their ids, in fewer than least subjects, but in some.
	Differs(ctx context.Context, e Entry, runs []string, least int) (bool, error)
}

// Entry is a run as the ledger takes it.
type Entry struct {
	ID          string
	Dataset     string // id
	Title       string
	Store       string // version that answered
	OwnerUnit   string
	OwnerStreet string
	Column      string // the key's
	Purpose     string
	Basis       string
	Person      string
	PersonName  string
	Unit        string // of the post
	Home        string
	At          store.Time
	Hits        int64
	Clear       int      // columns given out in clear
	Matter      string   // number of the case it was run for, "" for none
	DatasetName string   // what programs call the dataset
	Subjects    []uint64 // indexes of every key that was asked for
	Marks       []string // what Related found
}

// Batch is the room.
type Batch struct {
	db       *store.DB
	jobs     *jobs.Client
	audit    *audit.Log
	files    *file.Files
	datasets *dataset.Datasets
	settings *settings.Settings
	notify   *notify.Notes
	ring     *secret.Ring
	words    *errs.Catalog
	now      func() time.Time
	names    Names
	ledger   Ledger
	notices  Watch
	flow     *flow.Flow
}

// New declares the room. batch.reveal is the right to have columns in clear of what one's own units answer for; what
// others have granted for revealing needs no more than batch.run.
func New(kit *kernel.Kit, names Names, ledger Ledger, watch Watch) *room.Room {
	b := &Batch{db: kit.DB, jobs: kit.Jobs, audit: kit.Audit, files: kit.Files, datasets: kit.Datasets, settings: kit.Settings, notify: kit.Notify,
		ring: kit.Ring, words: kit.Words, now: kit.Now, names: names, ledger: ledger, notices: watch, flow: kit.Flow}
	kit.Flow.Host("batch", b.host())
	kit.Files.Readers("batch", b.mayReadFile)
	work := jobs.Handle("batch.run", b.work)
	work.Timeout, work.Attempts = maxRun, 5
	const draft = "a draft shows nobody anything; starting it is recorded with all it says"
	return &room.Room{
		Name: "batch", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "batch.run"}, {Name: "batch.reveal"}, {Name: "batch.trace"}, {Name: "batch.ask"}},
		Menu:  []room.Menu{{Name: "runs", Path: "/batch", Perm: "batch.run", Rank: 322}, {Name: "asks", Path: "/batch/asks", Perm: "batch.ask", Rank: 323}, {Name: "trace", Path: "/batch/trace", Perm: "batch.trace", Rank: 324}},
		Routes: []room.Route{
			room.Get("/datasets", "batch.run", b.sources),
			room.Post("/runs", "batch.run", b.create).Secrets(),
			room.Get("/runs", "batch.run", b.list),
			room.Get("/runs/{id}", "batch.run", b.get),
			room.Put("/runs/{id}", "batch.run", b.put).Secrets().NoAudit(draft),
			room.Delete("/runs/{id}", "batch.run", b.discard),
			room.Get("/runs/{id}/faults", "batch.run", b.faults),
			room.Post("/runs/{id}/start", "batch.run", b.start),
			room.Post("/runs/{id}/cancel", "batch.run", b.cancel),
			room.Post("/runs/{id}/copies", "batch.ask", b.copy).Secrets(),
			room.Get("/askable", "batch.ask", b.askable),
			room.Post("/asks", "batch.ask", b.ask),
			room.Get("/asks", "batch.ask", b.listAsks),
			room.Get("/asks/{id}", "batch.ask", b.getAsk),
			room.Post("/asks/{id}/answer", "batch.run", b.answerAsk).Secrets(),
			room.Post("/trace", "batch.trace", b.trace),
		},
		Raws: []room.Raw{{Method: "GET", Path: "/copies/{code}", Perm: "batch.ask", Doc: "a copy of a result, once: an encrypted ZIP", Serve: b.content}},
		Jobs: []jobs.Handler{work, jobs.Periodic("batch.watch", jobs.Every(time.Minute), b.watch), jobs.Periodic("batch.expire", jobs.Every(5*time.Minute), b.expire)},
		Settings: []room.Setting{
			{Name: "keep_hours", Default: 72, Min: 1, Max: 720, Admin: room.Security},
			{Name: "small_cell", Default: 5, Min: 2, Max: 100, Admin: room.Security},
			{Name: "most_rows", Default: 1_000_000, Min: 1000, Max: 5_000_000, Admin: room.System},
			{Name: "ask_days", Default: 1, Min: 1, Max: 20, Admin: room.System},
			{Name: "at_once", Default: 2, Min: 1, Max: 16, Admin: room.System},
		},
		Sealed:  []room.Sealed{{Table: "batch_run", ID: "id", Column: "sealed", Place: placeOf}, {Table: "batch_copy", ID: "code", Column: "sealed", Place: copyPlace}},
		Actions: []string{"batch.draft", "batch.discard", "batch.start", "batch.cancel", "batch.run", "batch.copy", "batch.fetch", "batch.trace", "batch.ask"},
	}
}
