package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"qushu/internal/base/secret"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"List the keys: purpose, age, which is current, how much a field key has sealed."`
	Rotate keysRotateCmd `cmd:"" help:"Make a new current key of a purpose. Older ones stay for reading."`
	Reseal keysResealCmd `cmd:"" help:"Seal everything anew that an older field key sealed, while the server runs. May be broken off and run again."`
	Retire keysRetireCmd `cmd:"" help:"Take an old field key out of the ring, once nothing is sealed with it."`
}

type keysListCmd struct{}

// Run lists the keys.
func (keysListCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "keys-list")
}

type keysRotateCmd struct {
	Purpose string `arg:"" enum:"field,index,audit,signing,token,cookie,identifier" help:"field (sealed columns), index (blind indexes), audit (marks of records), signing (SM2), token, cookie or identifier (identifiers in the warehouse)."`
}

// Run makes a new key.
func (k keysRotateCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "keys-rotate", k.Purpose)
}

type keysResealCmd struct{}

// Run seals anew.
func (keysResealCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "keys-reseal")
}

type keysRetireCmd struct {
	Key string `arg:"" help:"Id of the key, from 'qushu keys list'."`
}

// Run takes a key out.
func (k keysRetireCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "keys-retire", k.Key)
}

// sealed are the sealed columns of every room.
func (a *app) sealed() []room.Sealed {
	var all []room.Sealed
	for _, r := range a.house.Rooms {
		all = append(all, r.Sealed...)
	}
	return all
}

// under counts what a key has sealed.
func (a *app) under(ctx context.Context, key string) (n int, err error) {
	for _, s := range a.sealed() {
		k, err := s.Under(ctx, a.kit.DB, key)
		if err != nil {
			return 0, err
		}
		n += k
	}
	return n, nil
}

// identifiers counts the versions of the warehouse that stand on a key.
func (a *app) identifiers(ctx context.Context, key string) (n int, err error) {
	if a.kit.Warehouse == nil {
		return 0, nil
	}
	all, err := a.kit.Warehouse.Versions(ctx)
	for _, v := range all {
		if slices.ContainsFunc(v.Columns, func(c warehouse.Column) bool { return c.Under == key }) {
			n++
		}
	}
	return n, err
}

func keysList(ctx context.Context, a *app, _ []string, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "key\tpurpose\tmade\tstate\tsealed texts")
	for _, k := range a.kit.Ring.Keys() {
		state, texts := "old", "-"
		if k.Current {
			state = "current"
		}
		if k.Purpose == secret.Field {
			n, err := a.under(ctx, k.ID)
			if err != nil {
				return err
			}
			texts = fmt.Sprint(n)
		}
		if k.Purpose == secret.Identifier {
			n, err := a.identifiers(ctx, k.ID)
			if err != nil {
				return err
			}
			texts = fmt.Sprintf("%d tables", n)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Purpose, k.Made.Format("2006-01-02 15:04"), state, texts)
	}
	return w.Flush()
}

func keysRotate(ctx context.Context, a *app, args []string, out io.Writer) error {
	p := secret.Purpose(args[0])
	id, err := a.kit.Ring.Rotate(p)
	if err != nil {
		return err
	}
	detail := map[string]any{"purpose": p}
	if p == secret.Signing { // who trusts the older key learns the new one from the chain
		pem, err := a.kit.Ring.PublicKeyPEM(id)
		if err != nil {
			return err
		}
		detail["public"] = string(pem)
	}
	if err := a.noteKey(ctx, "system.key_rotate", id, detail); err != nil {
		return err
	}
	fmt.Fprintf(out, "Key %s is the current one for %s now. Copy the key file again.\n", id, p)
	switch p {
	case secret.Field, secret.Index:
		fmt.Fprintln(out, "Run 'qushu keys reseal' so that nothing depends on the older one.")
	case secret.Identifier:
		fmt.Fprintln(out, "What is loaded from now on is sealed under it; the security administrator has the rest sealed anew in the portal (Identifier keys).")
	}
	return nil
}

func keysReseal(ctx context.Context, a *app, _ []string, out io.Writer) error {
	total := 0
	for _, s := range a.sealed() {
		seen, changed := 0, 0
		err := s.Reseal(ctx, a.kit.DB, a.kit.Ring, func(n, c int) {
			if n/10_000 > seen/10_000 {
				fmt.Fprintf(out, "%s.%s: %d rows …\n", s.Table, s.Column, n)
			}
			seen, changed = n, c
		})
		if err != nil {
			return fmt.Errorf("%s.%s after %d rows: %w; what is done stays, run it again", s.Table, s.Column, seen, err)
		}
		fmt.Fprintf(out, "%s.%s: %d of %d sealed anew\n", s.Table, s.Column, changed, seen)
		total += changed
	}
	return a.noteKey(ctx, "system.key_reseal", "", map[string]any{"rows": total})
}

func keysRetire(ctx context.Context, a *app, args []string, out io.Writer) error {
	n, err := a.under(ctx, args[0])
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d texts are still sealed with key %s: run 'qushu keys reseal' first", n, args[0])
	}
	if n, err = a.identifiers(ctx, args[0]); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d tables of the warehouse are still sealed under key %s: seal them anew in the portal first (Identifier keys); replaced ones are cleaned up after a day", n, args[0])
	}
	if err := a.kit.Ring.Retire(args[0]); err != nil {
		return err
	}
	fmt.Fprintf(out, "Key %s is gone. Backups made before hold it still.\n", args[0])
	return a.noteKey(ctx, "system.key_retire", args[0], nil)
}

// noteKey records what was done at the machine; the deed is done already, so a failure is said beside it.
func (a *app) noteKey(ctx context.Context, action, id string, detail map[string]any) error {
	err := a.kit.Audit.Note(ctx, audit.Entry{Action: action, Object: "key", ID: id, Detail: detail, Actor: &room.Actor{Account: "qushu", Name: "qushu"}})
	if err != nil {
		return errors.Join(errors.New("it is done, but could not be recorded in the audit log"), err)
	}
	return nil
}
