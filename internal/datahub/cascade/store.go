package cascade

import (
	"context"
	"fmt"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// text writes an argument of a reason.
func text(v any) string { return fmt.Sprint(v) }

func (f Fault) json() store.JSON[Fault] {
	if f.Args == nil {
		f.Args = []string{}
	}
	return store.JSON[Fault]{V: f}
}

func findSelf(ctx context.Context, q store.Queryer) (Self, error) {
	all, err := store.All(ctx, q, func(s *Self) []any { return []any{&s.Code, &s.Name, &s.Version} }, `SELECT code, name, version FROM cascade_self WHERE id = 'self'`)
	if err != nil || len(all) == 0 {
		return Self{}, err
	}
	return all[0], nil
}

func writeSelf(ctx context.Context, tx *store.Tx, s Self) error {
	return store.ExecOne(ctx, tx, `INSERT INTO cascade_self (id, code, name, version) VALUES ('self', $1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, version = excluded.version WHERE cascade_self.version = excluded.version - 1`, s.Code, s.Name, s.Version)
}

const nodeColumns = `n.id, n.code, n.name, n.role, n.public_key, n.fingerprint, n.transport, n.url, n.ca, n.token, n.out_folder, n.in_folder, n.unit_id, n.state,
	n.sent_seq, n.sent_hash, n.recv_seq, n.recv_hash, n.want, n.entry_seq, n.heard_at, n.tried_at, n.next_at, n.failures, n.fault, n.damage, n.at, n.version, n.pin`

func scanNode(n *Node) []any {
	return []any{&n.ID, &n.Code, &n.Name, &n.Role, &n.PublicKey, &n.Fingerprint, &n.Transport, &n.URL, &n.CA, &n.Token, &n.Out, &n.In, &n.Unit, &n.State,
		&n.SentSeq, &n.SentHash, &n.RecvSeq, &n.RecvHash, &n.Want, &n.EntrySeq, &n.Heard, &n.Tried, &n.Next, &n.Failures, store.Into[Fault]{&n.Fault}, store.Into[Fault]{&n.Damage}, &n.At, &n.Version, &n.Pin}
}

func findNode(ctx context.Context, q store.Queryer, which store.Cond) (Node, error) {
	n, err := store.One(ctx, q, scanNode, `SELECT `+nodeColumns+` FROM cascade_node n WHERE `+which.SQL, which.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "cascade.missing")
	}
	return n, err
}

func nodes(ctx context.Context, q store.Queryer, which store.Cond) ([]Node, error) {
	return store.All(ctx, q, scanNode, `SELECT `+nodeColumns+` FROM cascade_node n WHERE `+which.SQL+` ORDER BY n.role DESC, n.code LIMIT 1000`, which.Args...)
}

// lockNode returns a node on whose numbers nobody else decides until the transaction ends.
func lockNode(ctx context.Context, tx *store.Tx, id string) (Node, error) {
	if err := store.Lock(ctx, tx, "cascade", id); err != nil {
		return Node{}, err
	}
	return findNode(ctx, tx, store.C("n.id = $1", id))
}

func insertNode(ctx context.Context, tx *store.Tx, n *Node) error {
	err := store.Exec(ctx, tx, `INSERT INTO cascade_node (id, code, name, role, public_key, fingerprint, transport, url, ca, token, out_folder, in_folder, unit_id, state, fault, damage, at, version, pin)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		n.ID, n.Code, n.Name, string(n.Role), n.PublicKey, n.Fingerprint, n.Transport, n.URL, n.CA, n.Token, n.Out, n.In, n.Unit, n.State, n.Fault.json(), n.Damage.json(), n.At, n.Version, n.Pin)
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "cascade.code_taken", n.Code)
	}
	return err
}

// saveNode replaces what an administrator may change, of the version before n's.
func saveNode(ctx context.Context, tx *store.Tx, n *Node) error {
	return store.ExecOne(ctx, tx, `UPDATE cascade_node SET name = $1, public_key = $2, fingerprint = $3, transport = $4, url = $5, ca = $6, token = $7, out_folder = $8,
		in_folder = $9, unit_id = $10, state = $11, next_at = 0, failures = 0, version = $12, pin = $13 WHERE id = $14 AND version = $15`,
		n.Name, n.PublicKey, n.Fingerprint, n.Transport, n.URL, n.CA, n.Token, n.Out, n.In, n.Unit, n.State, n.Version, n.Pin, n.ID, n.Version-1)
}

// saveContact notes how the last turn with a node went.
func saveContact(ctx context.Context, q store.Queryer, n *Node) error {
	return store.Exec(ctx, q, `UPDATE cascade_node SET tried_at = $1, next_at = $2, failures = $3, fault = $4 WHERE id = $5`, n.Tried, n.Next, n.Failures, n.Fault.json(), n.ID)
}

func heard(ctx context.Context, q store.Queryer, node string, at store.Time) error {
	return store.Exec(ctx, q, `UPDATE cascade_node SET heard_at = $1 WHERE id = $2`, at, node)
}

// Batch is one batch in one direction.
type Batch struct {
	ID       string
	Node     string
	Way      string
	Seq      int64
	Kind     string
	Title    string
	Feed     string
	State    string
	Manifest string
	Sig      string
	Hash     string
	Rows     int64
	Bytes    int64
	Chunks   int64
	Have     int64
	Root     string
	Mark     store.Time
	Applied  int64
	AppRoot  string
	Fault    Fault
	Tries    int64
	Ack      string
	AckSig   string
	AckDue   bool
	Made     store.Time
	Sent     store.Time
	Got      store.Time
	Ended    store.Time
}

const batchColumns = `b.id, b.node, b.way, b.seq, b.kind, b.title, b.feed, b.state, b.manifest, b.sig, b.hash, b.row_count, b.byte_count, b.chunks, b.have, b.root, b.watermark,
	b.applied, b.applied_root, b.fault, b.tries, b.ack, b.ack_sig, b.ack_due, b.made_at, b.sent_at, b.got_at, b.ended_at`

func scanBatch(b *Batch) []any {
	return []any{&b.ID, &b.Node, &b.Way, &b.Seq, &b.Kind, &b.Title, &b.Feed, &b.State, &b.Manifest, &b.Sig, &b.Hash, &b.Rows, &b.Bytes, &b.Chunks, &b.Have, &b.Root, &b.Mark,
		&b.Applied, &b.AppRoot, store.Into[Fault]{&b.Fault}, &b.Tries, &b.Ack, &b.AckSig, &b.AckDue, &b.Made, &b.Sent, &b.Got, &b.Ended}
}

func batches(ctx context.Context, q store.Queryer, which store.Cond) ([]Batch, error) {
	return store.All(ctx, q, scanBatch, `SELECT `+batchColumns+` FROM cascade_batch b WHERE `+which.SQL+` ORDER BY b.seq LIMIT 1000`, which.Args...)
}

func insertBatch(ctx context.Context, tx *store.Tx, b *Batch) error {
	return store.Exec(ctx, tx, `INSERT INTO cascade_batch (id, node, way, seq, kind, title, feed, state, manifest, sig, hash, row_count, byte_count, chunks, have, root, watermark, fault, made_at, got_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		b.ID, b.Node, b.Way, b.Seq, b.Kind, b.Title, b.Feed, b.State, b.Manifest, b.Sig, b.Hash, b.Rows, b.Bytes, b.Chunks, b.Have, b.Root, b.Mark, b.Fault.json(), b.Made, b.Got)
}

// saveBatch writes where a batch stands, if it still stands at the state before.
func saveBatch(ctx context.Context, q store.Queryer, b *Batch, before string) error {
	return store.ExecOne(ctx, q, `UPDATE cascade_batch SET state = $1, have = $2, applied = $3, applied_root = $4, fault = $5, tries = $6, ack = $7, ack_sig = $8, ack_due = $9,
		sent_at = $10, ended_at = $11 WHERE id = $12 AND state = $13`,
		b.State, b.Have, b.Applied, b.AppRoot, b.Fault.json(), b.Tries, b.Ack, b.AckSig, b.AckDue, b.Sent, b.Ended, b.ID, before)
}

func insertChunk(ctx context.Context, tx *store.Tx, batch string, n int, file string) error {
	return store.Exec(ctx, tx, `INSERT INTO cascade_chunk (batch, n, file) VALUES ($1, $2, $3)`, batch, n, file)
}

// chunkFiles maps the chunks of a batch that are there to their files.
func chunkFiles(ctx context.Context, q store.Queryer, batch string) (map[int]string, error) {
	type row struct {
		n    int
		file string
	}
	all, err := store.All(ctx, q, func(r *row) []any { return []any{&r.n, &r.file} }, `SELECT n, file FROM cascade_chunk WHERE batch = $1`, batch)
	out := make(map[int]string, len(all))
	for _, r := range all {
		out[r.n] = r.file
	}
	return out, err
}
