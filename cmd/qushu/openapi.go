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
	a, done, err := scratch(ctx, c)
	if err != nil {
		return err
	}
	defer done()
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(a.house.Server.API.OpenAPI())
}

// scratch opens an installation that nobody keeps, to read the rooms' declarations.
func scratch(ctx context.Context, c *cli) (*app, func(), error) {
	dir, err := os.MkdirTemp("", "qushu-scratch-")
	if err != nil {
		return nil, nil, err
	}
	c.Data = dir
	cfg, err := c.config(nil)
	if err == nil {
		cfg.Database.URL, cfg.Blob.URL, cfg.Warehouse.URL, cfg.Redis.URL = "", "", "", ""
		var a *app
		if a, err = open(ctx, cfg, opening{}); err == nil {
			return a, func() { a.Close(); os.RemoveAll(dir) }, nil
		}
	}
	os.RemoveAll(dir)
	return nil, nil, err
}
