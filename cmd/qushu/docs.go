package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/room"
)

type docsCmd struct{}

// Run prints the part of docs/glossary.md that follows from the rooms' declarations.
func (docsCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	a, done, err := scratch(ctx, c)
	if err != nil {
		return err
	}
	defer done()
	writeGlossary(out, a.house.Rooms, a.house.Catalog)
	return nil
}

func writeGlossary(out io.Writer, rooms []*room.Room, words *errs.Catalog) {
	both := func(key string) string { return words.Text("zh", key) + " | " + words.Text("en", key) }
	fmt.Fprint(out, "### Rooms\n\n| room | 中文 | English | pillar |\n| --- | --- | --- | --- |\n")
	for _, r := range rooms {
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", r.Name, both("room."+r.Name), r.Pillar)
	}
	fmt.Fprint(out, "\n### Permissions\n\n| permission | 中文 | English | who |\n| --- | --- | --- | --- |\n")
	for _, r := range rooms {
		for _, p := range r.Perms {
			who := "granted by roles"
			switch {
			case p.Admin != "":
				who = string(p.Admin) + " administrator only"
			case p.Default != "":
				who = "everybody, scope " + string(p.Default)
			}
			fmt.Fprintf(out, "| `%s` | %s | %s |\n", p.Name, both("perm."+p.Name), who)
		}
	}
	fmt.Fprint(out, "\n### Audit actions\n\n| action | 中文 | English |\n| --- | --- | --- |\n")
	for _, r := range rooms {
		for _, x := range r.Actions {
			fmt.Fprintf(out, "| `%s` | %s |\n", x, strings.TrimSpace(both("action."+x)))
		}
	}
}
