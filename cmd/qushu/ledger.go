package main

import (
	"fmt"
	"io"
	"os"

	"qushu/internal/datahub/lookup"
)

type ledgerCmd struct {
	Verify ledgerVerifyCmd `cmd:"" help:"Verify a pack of the ledger of looks; no installation is needed."`
}

type ledgerVerifyCmd struct {
	File string   `arg:"" type:"existingfile" help:"Pack, as the page of the ledger exports it."`
	Key  []string `type:"existingfile" placeholder:"FILE" help:"Trusted public key, PEM (qushu audit keys). Without one a pack only shows that it agrees with itself."`
}

// Run verifies and ends with an error when anything is broken.
func (v *ledgerVerifyCmd) Run(out io.Writer) error {
	var trusted [][]byte
	for _, file := range v.Key {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		trusted = append(trusted, b)
	}
	f, err := os.Open(v.File)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := lookup.VerifyPack(f, trusted)
	if err != nil {
		return err
	}
	if r.Broken != "" {
		return fmt.Errorf("the pack is broken: %s", r.Broken)
	}
	by := "a key you trust"
	if !r.Trusted {
		by = "the key inside it, which only shows that it agrees with itself; give --key"
	}
	fmt.Fprintf(out, "%d looks, unbroken, signed by %s.\n", r.Entries, by)
	return nil
}
