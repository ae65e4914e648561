package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
)

type openapiCmd struct{}

// Run prints the document of the installed rooms; it needs no installation.
func (openapiCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	dir, err := os.MkdirTemp("", "qushu-openapi-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.Data = dir
	cfg, err := c.config(nil)
	if err != nil {
		return err
	}
	cfg.Database.URL = ""
	a, err := open(ctx, cfg, opening{})
	if err != nil {
		return err
	}
	defer a.Close()
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(a.house.Server.API.OpenAPI())
}
