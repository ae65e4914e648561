package iot

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const columns = `id, code, name, kind, model, vendor, serial_no, cadence, lon, lat, address, division, datum, installed_at, state, key_hash, key_at, seen_at, messages, refused, trouble, level,
	unit_id, street, owner, owner_name, at, version`

func scan(d *Device) []any {
	return []any{&d.ID, &d.Code, &d.Name, &d.Kind, &d.Model, &d.Vendor, &d.Serial, &d.Cadence, &d.Lon, &d.Lat, &d.Address, &d.Division, &d.Datum, &d.Installed, &d.State, &d.KeyHash, &d.KeyAt, &d.Seen, &d.Messages,
		&d.Refused, store.Into[Trouble]{To: &d.Trouble}, &d.Level, &d.Unit, &d.Street, &d.Owner, &d.OwnerName, &d.At, &d.Version}
}

func find(ctx context.Context, q store.Queryer, where store.Cond) (Device, error) {
	d, err := store.One(ctx, q, scan, `SELECT `+columns+` FROM iot_device WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "iot.missing")
	}
	return d, err
}

func insert(ctx context.Context, tx *store.Tx, d *Device) error {
	return store.Exec(ctx, tx, `INSERT INTO iot_device (id, code, name, kind, model, vendor, serial_no, cadence, lon, lat, address, division, datum, installed_at, state, key_hash, key_at, unit_id, street, owner, owner_name, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		d.ID, d.Code, d.Name, d.Kind, d.Model, d.Vendor, d.Serial, d.Cadence, d.Lon, d.Lat, d.Address, d.Division, d.Datum, d.Installed, d.State, d.KeyHash, d.KeyAt, d.Unit, d.Street, d.Owner, d.OwnerName, d.At, d.Version)
}

// save replaces the version before d's; Conflict when that is not the present one.
func save(ctx context.Context, tx *store.Tx, d *Device) error {
	d.Version++
	return store.ExecOne(ctx, tx, `UPDATE iot_device SET name = $1, model = $2, vendor = $3, serial_no = $4, cadence = $5, lon = $6, lat = $7, address = $8, division = $9, datum = $10, installed_at = $11, state = $12,
		key_hash = $13, key_at = $14, owner = $15, owner_name = $16, version = $17 WHERE id = $18 AND version = $19`,
		d.Name, d.Model, d.Vendor, d.Serial, d.Cadence, d.Lon, d.Lat, d.Address, d.Division, d.Datum, d.Installed, d.State, d.KeyHash, d.KeyAt, d.Owner, d.OwnerName, d.Version, d.ID, d.Version-1)
}

// saveSeen writes behind what a device has sent.
func saveSeen(ctx context.Context, tx *store.Tx, id string, seen store.Time, messages, refused int64, t Trouble) error {
	if t.Key == "" {
		return store.Later(ctx, tx, `UPDATE iot_device SET seen_at = $1, messages = messages + $2 WHERE id = $3`, seen, messages, id)
	}
	return store.Later(ctx, tx, `UPDATE iot_device SET seen_at = $1, messages = messages + $2, refused = refused + $3, trouble = $4 WHERE id = $5`, seen, messages, refused, store.JSON[Trouble]{V: t}, id)
}
