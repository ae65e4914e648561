package iot

import (
	"context"
	"io"
	"net/http"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

// newKey gives a device another key; the old one ends at once, and with it the connections it opened.
func (x *IoT) newKey(ctx context.Context, in *oneIn) (*keyOut, error) {
	var d Device
	key := ""
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if d, err = x.managed(ctx, tx, in.ID); err != nil {
			return err
		}
		key, d.KeyHash = x.ring.NewToken("qd")
		d.KeyAt = store.At(x.now())
		if err := save(ctx, tx, &d); err != nil {
			return err
		}
		tx.After(func() { x.hangUp(d.Code) })
		return x.record(ctx, tx, "iot.key", &d, nil)
	})
	if err != nil {
		return nil, err
	}
	return x.withKey(ctx, d, key)
}

type turnIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		On      bool   `json:"on"`
		Why     string `json:"why" minLength:"2" maxLength:"200"`
		Version int64  `json:"version"`
	}
}

// turn takes a device out of use, or back into it. Out of use it may not send, and what it raised clears.
func (x *IoT) turn(ctx context.Context, in *turnIn) (*oneOut, error) {
	var d Device
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if d, err = x.seen(ctx, tx, in.ID, in.Body.Version); err != nil {
			return err
		}
		k, _ := x.kind(d.Kind)
		if in.Body.On {
			d.State = active
			rules, err := x.signals.Rules(ctx, tx, "iot", d.ID)
			if err != nil {
				return err
			}
			for _, def := range d.defs(k, rules) {
				if _, err := x.signals.Declare(ctx, tx, def); err != nil {
					return err
				}
			}
		} else {
			d.State = stopped
			if err := x.signals.Retire(ctx, tx, "iot", d.ID); err != nil {
				return err
			}
			if err := store.Exec(ctx, tx, `UPDATE iot_device SET level = 0 WHERE id = $1`, d.ID); err != nil {
				return err
			}
		}
		if err := save(ctx, tx, &d); err != nil {
			return err
		}
		tx.After(func() { x.hangUp(d.Code) })
		return x.record(ctx, tx, "iot.turn", &d, map[string]any{"on": in.Body.On, "why": in.Body.Why})
	})
	if err != nil {
		return nil, err
	}
	full, err := x.full(ctx, d)
	return &oneOut{full}, err
}

type serviceIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Kind string `json:"kind" enum:"inspect,repair,replace,clean,move"`
		Note string `json:"note" minLength:"1" maxLength:"500"`
	}
}

// service enters maintenance that was done.
func (x *IoT) service(ctx context.Context, in *serviceIn) (*oneOut, error) {
	me := authz.From(ctx)
	var d Device
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if d, err = x.managed(ctx, tx, in.ID); err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `INSERT INTO iot_service (id, device, kind, note, by_id, by_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id.New(), d.ID, in.Body.Kind, strings.TrimSpace(in.Body.Note), me.Person, me.Name, store.At(x.now())); err != nil {
			return err
		}
		return x.record(ctx, tx, "iot.service", &d, map[string]any{"kind": in.Body.Kind})
	})
	if err != nil {
		return nil, err
	}
	full, err := x.full(ctx, d)
	return &oneOut{full}, err
}

type photoIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		File string `json:"file" maxLength:"40" doc:"of a finished upload"`
	}
}

// mostPhotos is how many photos a device has.
const mostPhotos = 20

func (x *IoT) photo(ctx context.Context, in *photoIn) (*oneOut, error) {
	var d Device
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if d, err = x.managed(ctx, tx, in.ID); err != nil {
			return err
		}
		have, err := x.files.Of(ctx, tx, "iot", d.ID)
		if err != nil {
			return err
		}
		if len(have) >= mostPhotos {
			return errs.New(errs.Conflict, "iot.many_photos", mostPhotos)
		}
		if _, err := x.files.Claim(ctx, tx, in.Body.File, "iot", d.ID); err != nil {
			return err
		}
		return x.record(ctx, tx, "iot.photo", &d, map[string]any{"file": in.Body.File})
	})
	if err != nil {
		return nil, err
	}
	full, err := x.full(ctx, d)
	return &oneOut{full}, err
}

type dropPhotoIn struct {
	ID    string `path:"id" maxLength:"40"`
	Photo string `path:"photo" maxLength:"40"`
}

func (x *IoT) dropPhoto(ctx context.Context, in *dropPhotoIn) (*struct{}, error) {
	return nil, x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err := x.managed(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		have, err := x.files.Of(ctx, tx, "iot", d.ID)
		if err != nil {
			return err
		}
		for _, f := range have {
			if f.ID != in.Photo {
				continue
			}
			if err := x.files.Remove(ctx, tx, f.ID, "iot"); err != nil {
				return err
			}
			return x.record(ctx, tx, "iot.drop_photo", &d, map[string]any{"file": f.Name})
		}
		return errs.New(errs.Missing, "iot.no_photo")
	})
}

// mayReadFile shows photos to who sees the device.
func (x *IoT) mayReadFile(ctx context.Context, object string) error {
	_, err := find(ctx, x.db, store.And(store.C("id = $1", object), authz.Where(ctx, "iot.read").Cond()))
	return err
}

// ingest takes messages by HTTP. The answer comes when they are on disk.
func (x *IoT) ingest(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	l, err := x.line(ctx, r.Header.Get("X-Device"))
	if errs.Is(err, errs.Missing) || err == nil && !x.known(&l.dev, r.Header.Get("X-Device-Key")) {
		return errs.New(errs.Unsigned, "iot.not_let_in")
	}
	if err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload+1))
	if err != nil {
		return errs.Wrap(err, errs.TooLarge, "iot.payload_large", maxPayload>>10)
	}
	if err := x.receive(ctx, l, body); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
