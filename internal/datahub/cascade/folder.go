package cascade

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/kernel/audit"
)

// A batch lies in a folder as one ZIP, stored, not packed: manifest.json, manifest.sig, and chunk-00000.gz and so on. It is written
// under a name that begins with a dot and renamed when it is on disk, so a gate never carries half of one. What was read is moved
// to done/, what cannot be read to bad/ with the reason beside it; nothing is deleted.
const (
	batchName = "%s-%s-%010d-%s.zip" // from, to, number, id
	ackName   = "%s-%s-ack-%010d-%s.json"
	doneDir   = "done"
	badDir    = "bad"
)

type throughFolder struct {
	*Cascade
	node Node
}

func (f *throughFolder) end() {}

// send writes a batch into the folder out.
func (f *throughFolder) send(ctx context.Context, b *Batch, m *batch.Manifest) error {
	e, err := envelope(b.Manifest, b.Sig)
	if err != nil {
		return err
	}
	files, err := chunkFiles(ctx, f.db, b.ID)
	if err != nil {
		return err
	}
	return f.put(fmt.Sprintf(batchName, m.From, m.To, m.Seq, m.ID), func(w io.Writer) error {
		z := zip.NewWriter(w)
		add := func(name string, content []byte) error {
			at, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			if err == nil {
				_, err = at.Write(content)
			}
			return err
		}
		if err := errors.Join(add("manifest.json", e.Text), add("manifest.sig", e.Sig)); err != nil {
			return err
		}
		for i := range m.Chunks {
			content, err := f.chunk(ctx, files[i], i)
			if err != nil {
				return err
			}
			if err := add(chunkName(i), content); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

func chunkName(i int) string { return fmt.Sprintf("chunk-%05d.gz", i) }

func (f *throughFolder) tell(ctx context.Context, b *Batch) error {
	self, err := findSelf(ctx, f.db)
	if err != nil {
		return err
	}
	return f.tellText(self.Code, b.Seq, b.Ack, b.AckSig)
}

func (f *throughFolder) tellText(from string, seq int64, text, sig string) error {
	e, err := envelope(text, sig)
	if err != nil {
		return err
	}
	return f.put(fmt.Sprintf(ackName, from, f.node.Code, seq, batch.Hash(e.Text)[:12]), func(w io.Writer) error { return json.NewEncoder(w).Encode(e) })
}

// put writes a file into the folder out, whole or not at all.
func (f *throughFolder) put(name string, write func(io.Writer) error) error {
	failed := func(err error) error { return errs.Wrap(err, errs.Busy, "cascade.folder", f.node.Out) }
	tmp, err := os.CreateTemp(f.node.Out, ".part-*")
	if err != nil {
		return failed(err)
	}
	defer os.Remove(tmp.Name())
	if err := write(tmp); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close(), os.Chmod(tmp.Name(), 0o640), os.Rename(tmp.Name(), filepath.Join(f.node.Out, name))); err != nil {
		return failed(err)
	}
	return nil
}

// fetch reads what lies in the folder in, oldest number first. A file that is not whole is put aside and asked for again.
func (f *throughFolder) fetch(ctx context.Context) error {
	failed := func(err error) error { return errs.Wrap(err, errs.Busy, "cascade.folder", f.node.In) }
	all, err := os.ReadDir(f.node.In) // sorted by name, and names carry the number
	if err != nil {
		return failed(err)
	}
	self, err := findSelf(ctx, f.db)
	if err != nil {
		return err
	}
	mine := f.node.Code + "-" + self.Code + "-"
	for _, d := range all {
		name := d.Name()
		if d.IsDir() || !strings.HasPrefix(name, mine) {
			continue
		}
		why := f.read(ctx, filepath.Join(f.node.In, name))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, ours := errors.AsType[*errs.Error](why)
		if why != nil && (!ours || !errs.Is(why, errs.Invalid) && !errs.Is(why, errs.Conflict)) {
			return why // of this node: the file stays where it is
		}
		to := doneDir
		if why != nil {
			to = badDir
			if err := f.aside(ctx, name, self, why); err != nil {
				return err
			}
		}
		if err := f.move(name, to); err != nil {
			return failed(err)
		}
	}
	return nil
}

func (f *throughFolder) move(name, to string) error {
	if err := os.MkdirAll(filepath.Join(f.node.In, to), 0o750); err != nil {
		return err
	}
	return os.Rename(filepath.Join(f.node.In, name), filepath.Join(f.node.In, to, name))
}

func (f *throughFolder) read(ctx context.Context, path string) error {
	if strings.HasSuffix(path, ".json") {
		b, err := readSome(path, batch.MaxManifest*2)
		if err != nil {
			return err
		}
		var e batch.Envelope
		if err := json.Unmarshal(b, &e); err != nil {
			return errs.Wrap(err, errs.Invalid, "cascade.bad_manifest", "envelope")
		}
		return f.acknowledge(ctx, f.node, e)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "cascade.bad_file")
	}
	defer z.Close()
	get := func(name string, most int64) ([]byte, error) {
		r, err := z.Open(name)
		if err != nil {
			return nil, errs.Wrap(err, errs.Invalid, "cascade.bad_file")
		}
		defer r.Close()
		b, err := io.ReadAll(io.LimitReader(r, most+1))
		if err != nil || int64(len(b)) > most { // the ZIP's own sum does not fit
			return nil, errs.Wrap(err, errs.Invalid, "cascade.bad_file")
		}
		return b, nil
	}
	var e batch.Envelope
	if e.Text, err = get("manifest.json", batch.MaxManifest); err != nil {
		return err
	}
	if e.Sig, err = get("manifest.sig", 1024); err != nil {
		return err
	}
	b, m, err := f.accept(ctx, f.node, e)
	if err != nil {
		return err
	}
	if b.State != stateReceiving {
		return f.tellAgain(ctx, &b)
	}
	for i := range m.Chunks {
		content, err := get(chunkName(i), batch.MaxChunk)
		if err != nil {
			return f.note(ctx, &b, err)
		}
		if err := f.take(ctx, &b, m, i, content); err != nil {
			return err
		}
	}
	return nil
}

// tellAgain repeats the ack of a batch that came once more: the first may have been lost.
func (f *throughFolder) tellAgain(ctx context.Context, b *Batch) error {
	return store.Exec(ctx, f.db, `UPDATE cascade_batch SET ack_due = TRUE WHERE id = $1 AND state IN ('applied', 'refused')`, b.ID)
}

func readSome(path string, most int64) ([]byte, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, io.LimitReader(r, most))
	return b.Bytes(), err
}

// aside says why a file was not taken: beside it, in the audit, on the node, and, when it was a batch, to its maker, who then sends
// again from the number this node waits for.
func (f *throughFolder) aside(ctx context.Context, name string, self Self, why error) error {
	fault := faultOf(why)
	n, err := findNode(ctx, f.db, store.C("n.id = $1", f.node.ID))
	if err != nil {
		return err
	}
	words := f.words.Text("zh", fault.Key, anys(fault.Args)...) + "\n"
	if err := os.MkdirAll(filepath.Join(f.node.In, badDir), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(f.node.In, badDir, name+".txt"), []byte(words), 0o640); err != nil {
		return err
	}
	if strings.HasSuffix(name, ".zip") && !errs.Is(why, errs.Conflict) {
		a := batch.Ack{Format: batch.AckFormat, From: self.Code, To: n.Code, Seq: n.RecvSeq + 1, State: batch.Damaged, Key: fault.Key, Args: fault.Args, At: f.now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"), Want: n.RecvSeq + 1}
		if part, err := batches(ctx, f.db, store.C("b.node = $1 AND b.way = 'in' AND b.state = 'receiving'", n.ID)); err != nil {
			return err
		} else if i := named(part, name); i >= 0 {
			a.Manifest, a.Seq = part[i].Hash, part[i].Seq
		}
		text, sig, err := f.signed(&a)
		if err != nil {
			return err
		}
		if err := f.tellText(self.Code, a.Seq, text, sig); err != nil {
			return err
		}
	}
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `UPDATE cascade_node SET damage = $1 WHERE id = $2`, fault.json(), n.ID); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "cascade.damaged", Object: "cascade_node", ID: n.ID, Title: n.Name, Result: audit.Failed, Detail: map[string]any{"file": name, "key": fault.Key}})
	})
}

// named finds the batch a file holds by the id in its name.
func named(all []Batch, name string) int {
	for i, b := range all {
		if m, err := batch.ParseManifest([]byte(b.Manifest)); err == nil && strings.HasSuffix(name, "-"+m.ID+".zip") {
			return i
		}
	}
	return -1
}

func anys(all []string) []any {
	out := make([]any, len(all))
	for i, s := range all {
		out[i] = s
	}
	return out
}
