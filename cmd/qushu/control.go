package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"qushu/internal/base/config"
	"qushu/internal/base/web"
)

// command is one administration command that runs on the installation, wherever it is open: in the
// running server, reached by a socket in the data directory, or in this process.
type command func(ctx context.Context, a *app, args []string, out io.Writer) error

// commands by name. Every one writes words for a person to out.
func commands() map[string]command {
	return map[string]command{"doctor": doctor, "backup": backup,
		"keys-list": keysList, "keys-rotate": keysRotate, "keys-reseal": keysReseal, "keys-retire": keysRetire,
		"admin-create": adminCreate, "admin-reset": adminReset, "admin-unlock": adminUnlock, "admin-code": adminCode,
		"audit-verify": auditVerify, "audit-export": auditExport, "audit-keys": auditKeys, "audit-archive": auditArchive}
}

func socketPath(cfg *config.Config) string { return filepath.Join(cfg.Data, "qushu.sock") }

// call runs the command named name in the running server, or opens the installation for it.
func call(ctx context.Context, cfg *config.Config, name string, args []string, out io.Writer) error {
	ctx = terminal(ctx)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socketPath(cfg))
	}}}
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, "POST", "http://qushu/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Accept-Language", terminalLang())
	r, err := client.Do(q)
	if err != nil { // nobody serves this directory
		a, err := open(ctx, cfg, opening{demo: isDemo(cfg.Data)})
		if err != nil {
			return err
		}
		defer a.Close()
		return commands()[name](ctx, a, args, out)
	}
	defer r.Body.Close()
	if _, err := io.Copy(out, r.Body); err != nil {
		return fmt.Errorf("the running server broke off: %w", err)
	}
	if msg := r.Trailer.Get("Qushu-Error"); msg != "" {
		var text string
		_ = json.Unmarshal([]byte(msg), &text)
		return errors.New(text)
	}
	return nil
}

// control serves the commands on the socket. Who may open the data directory may command it.
func (a *app) control(ctx context.Context) (io.Closer, error) {
	path := socketPath(a.cfg)
	_ = os.Remove(path) // left by a crash: the directory's lock says nobody else serves it
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("the control socket %s cannot be made: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	for name, run := range commands() {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			var args []string
			if err := json.NewDecoder(r.Body).Decode(&args); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Trailer", "Qushu-Error")
			ctx := web.With(r.Context(), &web.Request{Lang: r.Header.Get("Accept-Language"), IP: "local", Agent: "qushu"})
			if err := run(ctx, a, args, flushing{w}); err != nil {
				text, _ := json.Marshal(err.Error())
				w.Header().Set("Qushu-Error", string(text))
			}
		})
	}
	srv := &http.Server{Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx }}
	go srv.Serve(l)
	return srv, nil
}

// flushing shows progress as it is written.
type flushing struct{ w http.ResponseWriter }

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	_ = http.NewResponseController(f.w).Flush()
	return n, err
}
