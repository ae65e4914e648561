package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"qushu/internal/base/web"
	"qushu/internal/kernel/system"
)

type doctorCmd struct{}

// Run examines the installation where it runs, or opens it for that.
func (doctorCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "doctor")
}

// terminalLang is the language of the person at the terminal.
func terminalLang() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "zh") {
				return "zh"
			}
			return "en"
		}
	}
	return "zh"
}

// terminal is the context of somebody at the terminal.
func terminal(ctx context.Context) context.Context {
	return web.With(ctx, &web.Request{Lang: terminalLang(), IP: "local", Agent: "qushu"})
}

func doctor(ctx context.Context, a *app, args []string, out io.Writer) error {
	marks := map[system.State]string{system.OK: "✓", system.Warn: "!", system.Bad: "✗"}
	bad := 0
	for _, f := range system.Say(a.house.Catalog, web.From(ctx).Lang, a.kit.System.Examine(ctx)) {
		fmt.Fprintf(out, "%s %s：%s\n", marks[f.State], f.Title, f.Text)
		if f.State == system.Bad {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of the checks need a hand now", bad)
	}
	return nil
}

// know tells the system page what the program knows of itself.
func (a *app) know(demo bool) {
	data := a.cfg.Data
	if a.cfg.Database.URL != "" && a.cfg.Blob.URL != "" {
		data = ""
	}
	a.kit.System.Know(system.Site{Version: version, Demo: demo, Data: data})
}
