// Command qushu is the digital government of one district in one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"qushu/internal/base/config"
)

// version is set by the linker: -X main.version=v0.1.0.
var version = "dev"

// cli is every command with its flags; kong makes --help of the tags.
type cli struct {
	Config string            `short:"c" type:"path" placeholder:"FILE" help:"YAML file with settings. Environment variables QUSHU_* and flags come after it. 'qushu config' shows what is in force and where it was set."`
	Data   string            `short:"d" type:"path" placeholder:"DIR" help:"Data directory (setting 'data', default ./data)."`
	Set    map[string]string `placeholder:"KEY=VALUE" help:"Any other setting, for example --set limits.upload_mb=8192."`

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Start the portal and everything behind it in one process."`
	Demo    demoCmd    `cmd:"" help:"Fill an empty data directory with the Hongshan demonstration district."`
	Admin   adminCmd   `cmd:"" help:"The three separated administrators: create, reset, unlock."`
	Doctor  doctorCmd  `cmd:"" help:"Check this installation and say what to mend, one sentence each."`
	Backup  backupCmd  `cmd:"" help:"Write a consistent backup into a new folder, also while the server runs."`
	Restore restoreCmd `cmd:"" help:"Fill an empty data directory from a backup."`
	Keys    keysCmd    `cmd:"" help:"The key ring: list, rotate, seal anew under the current key, retire an old one."`
	Audit   auditCmd   `cmd:"" help:"Verify or export the audit chain."`
	Ledger  ledgerCmd  `cmd:"" help:"Verify the ledger of looks."`
	Openapi openapiCmd `cmd:"" help:"Print the OpenAPI 3.1 document."`
	Conf    configCmd  `cmd:"" name:"config" help:"Print the settings in force, secrets hidden, each with where it was set."`
	Docs    docsCmd    `cmd:"" hidden:"" help:"Print the generated part of the glossary."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

const about = `Qushu (区枢) is the digital government of one Chinese district in one program.

  qushu serve --data ./data --listen 127.0.0.1:8080     start; the first start prints how to create the administrators
  qushu demo --data ./demo                              fill an empty directory with the Hongshan demo district
  qushu doctor                                          is everything in order?

Everything is embedded by default. It grows onto PostgreSQL (database.url), S3 (blob.url), ClickHouse
(warehouse.url) and Redis (redis.url) by settings alone.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: tests call it.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	code := -1
	p, err := kong.New(&c, kong.Name("qushu"), kong.Description(about), kong.Writers(out, errOut), kong.Exit(func(n int) { code = n }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 1
	}
	k, err := p.Parse(args)
	if code >= 0 { // --help
		return code
	}
	if err != nil {
		fmt.Fprintf(errOut, "qushu: %v\nTry 'qushu --help'.\n", err)
		return 2
	}
	k.BindTo(ctx, (*context.Context)(nil))
	k.BindTo(out, (*io.Writer)(nil))
	if err := k.Run(&c); err != nil {
		fmt.Fprintln(errOut, "qushu:", sentence(err))
		return 1
	}
	return 0
}

// config reads the settings for a command; more are flags of the command itself.
func (c *cli) config(more map[string]string) (*config.Config, error) {
	flags := map[string]string{}
	for k, v := range c.Set {
		flags[k] = v
	}
	for k, v := range more {
		if v != "" {
			flags[k] = v
		}
	}
	if c.Data != "" {
		flags["data"] = c.Data
	}
	cfg, err := config.Load(c.Config, os.Environ(), flags)
	if err != nil {
		return nil, err
	}
	setLog(cfg)
	return cfg, nil
}

// existing is config for a command that works on an installation there is.
func (c *cli) existing() (*config.Config, error) {
	cfg, err := c.config(nil)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(cfg.Data); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no data directory %s yet: start qushu serve once, or give --data", cfg.Data)
	}
	return cfg, nil
}

// call runs an administration command on the installation there is.
func (c *cli) call(ctx context.Context, out io.Writer, name string, args ...string) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	return call(ctx, cfg, name, args, out)
}

func setLog(cfg *config.Config) {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // Load has checked it
	o := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(os.Stderr, o)
	if cfg.Log.Format == "json" {
		h = slog.NewJSONHandler(os.Stderr, o)
	}
	slog.SetDefault(slog.New(h))
}

// sentence makes one line of an error for the terminal.
func sentence(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n  ")
}

type versionCmd struct{}

// Run prints the version and what the program was built from.
func (versionCmd) Run(out io.Writer) error {
	fmt.Fprintf(out, "qushu %s", version)
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintf(out, " (%s)", info.GoVersion)
	}
	fmt.Fprintln(out)
	return nil
}

type configCmd struct{}

// Run prints the settings.
func (configCmd) Run(c *cli, out io.Writer) error {
	cfg, err := c.config(nil)
	if err != nil {
		return err
	}
	return cfg.Print(out, true)
}
