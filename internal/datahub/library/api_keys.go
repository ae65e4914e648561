package library

import (
	"context"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// keyRoutes are those of the keys identifiers are sealed under.
func (l *Library) keyRoutes() []room.Route {
	return []room.Route{
		room.Get("/keys", "library.keys", l.keys),
		room.Post("/keys/rotate", "library.keys", l.rotate),
		room.Post("/keys/rekeep", "library.keys", l.beginRekeep),
		room.Post("/keys/rekeep/{id}/cancel", "library.keys", l.cancelRekeep),
		room.Delete("/keys/{id}", "library.keys", l.retire),
	}
}

// KeyLine is one version of the key identifiers are sealed under, and what stands on it.
type KeyLine struct {
	ID       string     `json:"id"`
	Made     store.Time `json:"madeAt"`
	Current  bool       `json:"current" doc:"what is loaded from now on is sealed under it"`
	Datasets int        `json:"datasets" doc:"whose version that serves stands on it"`
	Versions int        `json:"versions" doc:"stored in all: those that serve, older ones, and those about to be cleaned up"`
	Rows     int64      `json:"rows" doc:"of them"`
	Hashed   int        `json:"hashed" doc:"versions with hashes under it, which cannot be made anew without the values"`
}

type keysOut struct {
	Body struct {
		Keys    []KeyLine `json:"keys" nullable:"false" doc:"newest first"`
		Sealing bool      `json:"sealing" doc:"the setting: identifiers are kept sealed unless decided otherwise"`
		Sealed  int       `json:"sealed" doc:"datasets that keep a column sealed or hashed"`
		Plain   int       `json:"plain" doc:"datasets that keep identifiers in the clear, because somebody decided so or until they are kept anew"`
		Behind  int       `json:"behind" doc:"versions a run would keep anew"`
		Runs    []Rekeep  `json:"runs" nullable:"false" doc:"newest first"`
	}
}

// keys tells how many datasets stand on which version of the key.
func (l *Library) keys(ctx context.Context, _ *struct{}) (*keysOut, error) {
	out := &keysOut{}
	b := &out.Body
	b.Sealing = l.datasets.Seal(ctx)
	for _, k := range l.ring.Keys() {
		if k.Purpose == secret.Identifier {
			b.Keys = append(b.Keys, KeyLine{ID: k.ID, Made: store.At(k.Made), Current: k.Current})
		}
	}
	slices.Reverse(b.Keys)
	if l.wh == nil {
		return nil, errs.New(errs.Busy, "dataset.no_warehouse")
	}
	// Runs before rows and rows before versions: what is called done is counted, and what rows name is there.
	var err error
	if b.Runs, err = rekeeps(ctx, l.db, store.C("TRUE")); err != nil {
		return nil, err
	}
	all, err := l.datasets.AllStored(ctx, l.db)
	if err != nil {
		return nil, err
	}
	stored, err := l.wh.Versions(ctx)
	if err != nil {
		return nil, err
	}
	serves := map[string]bool{}
	for _, s := range all {
		if !s.Serves {
			continue
		}
		serves[s.Version.ID] = true
		if l.datasets.InClear(ctx, s.Version.Columns) {
			b.Plain++
		}
	}
	for _, v := range stored {
		sealed := false
		for i := range b.Keys {
			k := &b.Keys[i]
			under, hashed := stands(v, k.ID)
			if sealed = sealed || under; !under {
				continue
			}
			k.Versions, k.Rows = k.Versions+1, k.Rows+v.Rows
			if serves[v.ID] {
				k.Datasets++
			}
			if hashed {
				k.Hashed++
			}
		}
		if sealed && serves[v.ID] {
			b.Sealed++
		}
	}
	todo, err := l.lagging(ctx, l.db)
	if err != nil {
		return nil, err
	}
	b.Behind = len(todo)
	b.Runs = append([]Rekeep{}, b.Runs...)
	for i := range b.Runs {
		b.Runs[i].Error = l.sentence(web.From(ctx).Lang, b.Runs[i].fault)
	}
	return out, nil
}

// stands reports whether a version has columns under a key, and hashed ones among them.
func stands(v warehouse.Version, key string) (under, hashed bool) {
	for _, c := range v.Columns {
		if c.Under == key {
			under, hashed = true, hashed || c.Keep == warehouse.Hashed
		}
	}
	return under, hashed
}

// rotate makes a new version of the key. What is loaded from then on is sealed under it; the rest, when it is kept anew.
func (l *Library) rotate(ctx context.Context, _ *struct{}) (*keysOut, error) {
	err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "library_keys", "identifier"); err != nil {
			return err
		}
		if err := l.audit.Record(ctx, tx, audit.Entry{Action: "library.key_rotate", Object: "key", ID: l.ring.Current(secret.Identifier)}); err != nil {
			return err
		}
		_, err := l.ring.Rotate(secret.Identifier) // last: a file knows no way back
		return err
	})
	if err != nil {
		return nil, err
	}
	return l.keys(ctx, nil)
}

type rekeepOut struct{ Body Rekeep }

// beginRekeep starts a run that keeps every stored version as decided, under the current key.
func (l *Library) beginRekeep(ctx context.Context, _ *struct{}) (*rekeepOut, error) {
	if l.wh == nil {
		return nil, errs.New(errs.Busy, "dataset.no_warehouse")
	}
	out := &rekeepOut{}
	return out, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		out.Body, err = l.startRekeep(ctx, tx)
		return err
	})
}

type keyIn struct {
	ID string `path:"id" maxLength:"40"`
}

// cancelRekeep stops a run. What it has done stays.
func (l *Library) cancelRekeep(ctx context.Context, in *keyIn) (*struct{}, error) {
	return nil, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.ExecOne(ctx, tx, `UPDATE library_rekeep SET state = 'cancelled', ended_at = $1, beat_at = $2 WHERE id = $3 AND ended_at = 0`, store.At(l.now()), store.At(time.Now()), in.ID); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.rekeep_cancel", Object: "library_rekeep", ID: in.ID})
	})
}

// retire takes a key out of the ring when nothing stands on it any more.
func (l *Library) retire(ctx context.Context, in *keyIn) (*keysOut, error) {
	at := slices.IndexFunc(l.ring.Keys(), func(k secret.KeyInfo) bool { return k.ID == in.ID && k.Purpose == secret.Identifier })
	if at < 0 {
		return nil, errs.New(errs.Missing, "library.no_key")
	}
	if l.ring.Keys()[at].Current {
		return nil, errs.New(errs.Conflict, "library.key_current")
	}
	if l.wh == nil {
		return nil, errs.New(errs.Busy, "dataset.no_warehouse")
	}
	stored, err := l.wh.Versions(ctx)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, v := range stored {
		if under, _ := stands(v, in.ID); under {
			n++
		}
	}
	if n > 0 {
		return nil, errs.New(errs.Conflict, "library.key_used", n)
	}
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := l.audit.Record(ctx, tx, audit.Entry{Action: "library.key_retire", Object: "key", ID: in.ID}); err != nil {
			return err
		}
		return l.ring.Retire(in.ID)
	})
	if err != nil {
		return nil, err
	}
	return l.keys(ctx, nil)
}
