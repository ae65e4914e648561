package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"qushu/internal/base/config"
	"qushu/internal/base/web"
	"qushu/simulate/district"
	"qushu/simulate/history"
)

type demoCmd struct {
	Rows  int    `default:"200000" help:"Rows of the population table; from 1 000 000 on, of all 253 tables together."`
	Cases int    `default:"500" help:"Cases of the year before today, about; 0 for none."`
	Seed  uint64 `default:"420111" help:"The same seed gives the same district; passwords differ each time."`
}

// demoMark is the file that marks a data directory as a demonstration.
const demoMark = "demo"

// isDemo reports whether a data directory holds the demonstration.
func isDemo(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, demoMark))
	return err == nil
}

// Run fills an empty directory with the Hongshan demonstration district, through the doors real data uses.
func (d *demoCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	cfg, err := c.config(nil)
	if err != nil {
		return err
	}
	if files, err := os.ReadDir(cfg.Data); err == nil && len(files) > 0 {
		return fmt.Errorf("%s is not empty: qushu demo fills an empty directory only, give --data another one", cfg.Data)
	}
	if cfg.Database.URL != "" || cfg.Blob.URL != "" {
		return fmt.Errorf("qushu demo fills a directory of its own, not a configured database or bucket: leave database.url and blob.url out")
	}
	// It is built beside and moved into place when whole: a half district is never served.
	place := cfg.Data
	cfg.Data += ".part"
	if isDemo(cfg.Data) { // left by a run that was broken off
		if err := os.RemoveAll(cfg.Data); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(cfg.Data, demoMark), []byte("Hongshan demonstration district; every person in it is fictional.\n"), 0o600); err != nil {
		return err
	}
	cfg.Limits.RatePerSecond = 0 // one machine plays the whole district
	if err := demoBroker(cfg); err != nil {
		return err
	}
	b := &builder{out: out, clock: &clock{}, rows: d.Rows, cases: d.Cases, seed: d.Seed, began: time.Now(), person: map[string]string{}, papers: map[string][]byte{}}
	b.clock.set(time.Now().AddDate(0, 0, -360)) // tokens live for a year
	if err := b.build(ctx, cfg); err != nil {
		return fmt.Errorf("the demonstration could not be finished: %w", err)
	}
	if err := os.Remove(place); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(cfg.Data, place); err != nil {
		return err
	}
	cfg.Data = place
	b.print(place)
	return nil
}

// clock runs at the speed of time from wherever it was set, and never back.
type clock struct {
	mu   sync.Mutex
	from time.Time
	real time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.from.Add(time.Since(c.real))
}

func (c *clock) set(t time.Time) {
	if !c.real.IsZero() && t.Before(c.now()) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.real = t, time.Now()
}

// builder brings the district in.
type builder struct {
	out   io.Writer
	clock *clock
	rows  int
	cases int
	seed  uint64
	began time.Time

	a        *app
	base     string
	d        *district.District
	units    map[string]string // key → id
	posts    map[string]string // staff number → id of the main post
	accounts []*member

	today     time.Time
	agenda    agenda
	planned   int
	matters   []history.Matter
	mu        sync.Mutex        // of the next two
	work      map[string]*door  // person → a door that shows his token
	person    map[string]string // staff number → id
	resources map[string]string // application/key → id
	papers    map[string][]byte // by title
	desks     map[string]*door  // login → a door for reports
	held      map[string]string // name of an entry of the catalogue → id
	filling   map[string]*door  // key of a community → a door of who fills reports in there
}

// member is an account of the demonstration with what its owner knows.
type member struct {
	district.Account
	password, totp string
	door           *door
}

func (b *builder) build(ctx context.Context, cfg *config.Config) error {
	var err error
	if b.a, err = open(ctx, cfg, opening{work: true, now: b.clock.now, demo: true}); err != nil {
		return err
	}
	defer b.a.Close()
	if err := errors.Join(b.a.kit.Hub.Run(), b.a.house.Start(ctx)); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- web.Serve(serving, l, b.a.house.Handler(), 10*time.Second) }()
	b.base = "http://" + l.Addr().String()
	err = b.steps(ctx)
	stop()
	<-served
	return errors.Join(err, b.a.stop(ctx))
}

func (b *builder) steps(ctx context.Context) error {
	for _, s := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"the three administrators", b.administrators},
		{"units and people", b.people},
		{"accounts", b.makeAccounts},
		{"roles", b.roles},
		{"activation and second factors", b.activate},
		{"leading groups", b.groups},
		{"who works with the applications", b.players},
		{"who fills reports in", b.reporters},
		{"a year of cases", func(ctx context.Context) error { b.agendaOfYear(); return b.until(ctx, b.today.AddDate(0, 0, -22)) }},
		{"the population table", b.population},
		{"the other tables", b.holdings},
		{"theme libraries", b.themes},
		{"the data catalogue", b.catalogue},
		{"reports held against the catalogue", b.reports},
		{"notices and the last weeks", func(ctx context.Context) error { return b.until(ctx, time.Now()) }},
		{"sensors over MQTT", b.sensors},
		{"everybody signs in", b.refresh},
	} {
		start := time.Now()
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(b.out, "%-32s %6.1f s\n", s.name, time.Since(start).Seconds())
	}
	return nil
}

func (b *builder) named(login string) *member {
	for _, m := range b.accounts {
		if m.Login == login {
			return m
		}
	}
	panic("demo: no account " + login)
}

// enter signs a member in with a new session, as at the start of a day.
func (b *builder) enter(ctx context.Context, m *member) (*door, error) {
	d, err := newDoor(b.base, b.clock.now)
	if err != nil {
		return nil, err
	}
	m.door = d
	return d, b.walk(ctx, m, d)
}

// walk goes a member's way in through whatever is asked: a second factor, a new password where the old one ran out.
func (b *builder) walk(ctx context.Context, m *member, d *door) error {
	var n nextStep
	if err := d.call(ctx, "POST", "/api/identity/signin", map[string]string{"account": m.Login, "password": m.password}, &n); err != nil {
		return err
	}
	for range 4 {
		var err error
		switch n.Next {
		case "done":
			return nil
		case "totp":
			n.Next, err = d.prove(ctx, m.totp)
		case "change":
			m.password = newPassword()
			err = d.call(ctx, "POST", "/api/identity/password", map[string]string{"new": m.password}, &n)
		case "enroll":
			m.totp, n.Next, err = d.bind(ctx)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("the way in does not end, it asks for %q", n.Next)
}

// newPassword makes one a person can type: twelve characters of four kinds, none easily confused.
func newPassword() string {
	pick := func(set string) byte {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
		if err != nil {
			panic(err) // the system has no randomness
		}
		return set[n.Int64()]
	}
	const upper, lower, digit = "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789"
	var p []byte
	for i := range 3 {
		if i > 0 {
			p = append(p, '-')
		}
		p = append(p, pick(upper), pick(lower), pick(lower), pick(digit))
	}
	return string(p)
}

// print shows the accounts once; nothing keeps the passwords.
func (b *builder) print(place string) {
	fmt.Fprintf(b.out, "\nThe demonstration district is ready (%.0f s). These passwords are shown once:\n\n", time.Since(b.began).Seconds())
	fmt.Fprintf(b.out, "  %-18s %-16s %-34s %s\n", "account", "password", "authenticator key", "who")
	for _, m := range b.accounts {
		who := m.Name
		if m.UnitName != "" {
			who = m.UnitName + " " + m.Title + " " + m.Name
		}
		fmt.Fprintf(b.out, "  %-18s %-16s %-34s %s\n%73s%s\n", m.Login, m.password, orDash(m.totp), who, "", m.Note)
	}
	fmt.Fprintf(b.out, "\nWhere an authenticator key is shown, signing in asks for a six-digit code: type the key into an authenticator app,\n"+
		"or run: qushu admin code --data %s ACCOUNT\n\n", place)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
