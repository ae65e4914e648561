package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"qushu/internal/base/config"
	"qushu/internal/base/web"
)

type serveCmd struct {
	Listen string `short:"l" placeholder:"ADDR" help:"Address served, host:port (setting 'listen', default 127.0.0.1:8080)."`
	TLS    bool   `name:"tls" help:"Serve https: with tls.cert and tls.key, or with a certificate of an own local CA in the data directory."`
	Open   bool   `help:"Open the portal in the browser of this machine."`
}

// Run serves until it is told to stop, then finishes what it is doing.
func (s *serveCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	cfg, err := c.config(map[string]string{"listen": s.Listen})
	if err != nil {
		return err
	}
	if s.TLS && cfg.TLS.Cert == "" {
		if cfg.TLS.Cert, cfg.TLS.Key, err = localCertificate(cfg.Data, cfg.Listen); err != nil {
			return err
		}
	}
	return serve(ctx, cfg, out, s.Open)
}

func serve(ctx context.Context, cfg *config.Config, out io.Writer, show bool) error {
	l, err := listen(cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	a, err := open(ctx, cfg, opening{work: cfg.Has(config.RoleJobs), demo: isDemo(cfg.Data)})
	if err != nil {
		return err
	}
	defer a.Close()
	stopTrace, err := startTraces(ctx, cfg)
	if err != nil {
		return err
	}
	defer stopTrace()
	control, err := a.control(ctx)
	if err != nil {
		return err
	}
	defer control.Close()
	if err := a.start(ctx); err != nil {
		return err
	}
	if isDemo(cfg.Data) {
		playSensors(ctx, cfg)
	}
	url := portalURL(cfg, l)
	a.welcome(ctx, out, url)
	if show {
		openBrowser(url)
	}
	err = web.Serve(ctx, l, a.house.Handler(), 20*time.Second)
	slog.Info("stopping: finishing running jobs")
	return errors.Join(err, a.stop(ctx))
}

// start begins what runs beside the requests.
func (a *app) start(ctx context.Context) error {
	if err := a.kit.Hub.Run(); err != nil {
		return err
	}
	return a.house.Start(ctx)
}

// stop lets running jobs finish and ends what start began, also when ctx has ended.
func (a *app) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return errors.Join(a.house.Stop(ctx), a.kit.Hub.Close(ctx))
}

func listen(cfg *config.Config) (net.Listener, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s is taken by another program: stop it, or give --listen another port", cfg.Listen)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", cfg.Listen, err)
	}
	if cfg.TLS.Cert == "" {
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(cfg.TLS.Cert, cfg.TLS.Key)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", cfg.TLS.Cert, cfg.TLS.Key, err)
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}), nil
}

func portalURL(cfg *config.Config, l net.Listener) string {
	if cfg.PublicURL != "" {
		return cfg.PublicURL
	}
	scheme := "http"
	if cfg.TLS.Cert != "" {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// welcome prints where the portal is, and on the first start how to create the administrators: in one
// write, so that whoever waits for the address has the token with it.
func (a *app) welcome(ctx context.Context, out io.Writer, url string) {
	text := fmt.Sprintf("区枢 Qushu %s\n  %s\n", version, url)
	token, needed, err := a.kit.Identity.SetupToken(ctx)
	switch {
	case err != nil:
		slog.Error("the set-up code cannot be made", "error", err)
	case needed:
		text += fmt.Sprintf("\nThere is no administrator yet. Open this address once to create the three of them:\n  %s/setup?token=%s\n", url, token)
	}
	fmt.Fprint(out, text)
}

// openBrowser is a courtesy: a machine without a browser has none to open.
func openBrowser(url string) {
	for _, name := range []string{"xdg-open", "open"} {
		if path, err := exec.LookPath(name); err == nil && (name == "open" || os.Getenv("DISPLAY")+os.Getenv("WAYLAND_DISPLAY") != "") {
			_ = exec.Command(path, url).Start()
			return
		}
	}
}
