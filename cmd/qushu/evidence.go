package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"qushu/internal/base/errs"
	"qushu/internal/kernel/flow"
)

// keys reads the trusted public keys.
func (v *auditVerifyCmd) keys() ([][]byte, error) {
	var all [][]byte
	for _, name := range v.Key {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// evidence verifies the evidence pack of a case.
func (v *auditVerifyCmd) evidence(out io.Writer) error {
	words, err := errs.NewCatalog(flow.Text)
	if err != nil {
		return err
	}
	keys, err := v.keys()
	if err != nil {
		return err
	}
	f, err := os.Open(v.Evidence)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	e, err := flow.VerifyEvidence(f, st.Size(), keys...)
	if w, ok := errors.AsType[*errs.Error](err); ok {
		return errors.New(words.Text(terminalLang(), w.Key, w.Args...))
	}
	if err != nil {
		return err
	}
	for _, line := range e.Words(words, terminalLang()) {
		fmt.Fprintln(out, line)
	}
	if !e.OK() {
		return fmt.Errorf("the evidence is broken in %d places", len(e.Places))
	}
	return nil
}
