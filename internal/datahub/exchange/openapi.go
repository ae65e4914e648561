package exchange

import (
	"net/http"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/exchange/internal/sign"
	"qushu/internal/kernel/dataset"
)

// describe answers GET /v1/resources/{name}/openapi.json.
func (x *Exchange) describe(w http.ResponseWriter, r *http.Request) error {
	c, err := x.caller(r)
	if err != nil {
		return err
	}
	if err := x.settle(r.Context(), c, 0, nil, map[string]any{"openapi": true}); err != nil {
		return err
	}
	return reply(w, x.openapi(r, &c.grant, c.held, c.ds))
}

// document answers who uses a grant with the same, on the page.
func (x *Exchange) document(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	g, err := x.usable(ctx, x.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	held, err := x.inUse(ctx, x.db, &g, dataset.API)
	if err != nil {
		return err
	}
	ds, err := x.datasets.Get(ctx, x.db, g.Dataset, everyDataset)
	if err != nil {
		return err
	}
	return reply(w, x.openapi(r, &g, held, ds))
}

// openapi is a granted dataset as OpenAPI 3.1: only the columns that are granted, and how they are given.
func (x *Exchange) openapi(r *http.Request, g *grant, held dataset.Grant, ds dataset.Dataset) map[string]any {
	type m = map[string]any
	cols, _ := held.Shows(ds, nil)
	row, names, keys := m{}, []string{}, []string{}
	for _, c := range cols {
		s := schemaOf(c, held.Clear(c))
		row[c.Name] = s
		names = append(names, c.Name)
		if c.Key {
			keys = append(keys, c.Name)
		}
	}
	text := func(doc string) m { return m{"type": "string", "description": doc} }
	header := func(name, doc string) m {
		return m{"name": name, "in": "header", "required": true, "description": doc, "schema": m{"type": "string"}}
	}
	query := func(name, doc string, schema m) m {
		return m{"name": name, "in": "query", "description": doc, "schema": schema}
	}
	headers := []any{header(sign.Key, "id of the key"), header(sign.Time, "seconds since 1970-01-01T00:00:00Z"), header(sign.Nonce, "16 to 64 letters, digits, - and _, never used before"),
		header(sign.Signature, "hex HMAC-SM3(secret, METHOD\\nPATH\\nSORTED QUERY\\nTIME\\nNONCE\\nSM3HEX(BODY))")}
	answer := func(schema m) m {
		return m{"200": m{"description": "OK", "content": m{"application/json": m{"schema": schema}}}, "default": m{"description": "RFC 9457 problem", "content": m{"application/problem+json": m{"schema": m{"type": "object"}}}}}
	}
	about := m{"resource": text("name"), "version": m{"type": "integer"}, "updatedAt": text("when the data was updated")}
	with := func(more m) m {
		p := m{}
		for k, v := range about {
			p[k] = v
		}
		for k, v := range more {
			p[k] = v
		}
		return m{"type": "object", "properties": p}
	}
	one := m{"$ref": "#/components/schemas/Row"}
	ints := m{"type": "array", "items": m{"type": "integer"}}
	path := "/api/exchange/v1/resources/" + ds.Name
	paths := m{path: m{"get": m{"operationId": "rows", "summary": ds.Title, "responses": answer(with(m{"items": m{"type": "array", "items": one}, "next": text("cursor of the next page, empty on the last")})),
		"parameters": append(headers[:4:4], query("columns", "names parted by commas, all when left out", m{"type": "string"}),
			query("filter", "column:op:value; op is one of eq, ne, lt, le, gt, ge, in (values parted by |), isnull, prefix, contains", m{"type": "array", "items": m{"type": "string"}}),
			query("limit", "rows of a page", m{"type": "integer", "minimum": 1, "maximum": x.number(r.Context(), "per_call"), "default": 100}), query("cursor", "next of the page before", m{"type": "string"}))}}}
	if len(keys) > 0 {
		in := m{"type": "object", "required": []string{"column", "keys"}, "properties": m{"column": m{"type": "string", "enum": keys}, "keys": m{"type": "array", "maxItems": mostLooked, "items": m{"type": "string"}},
			"columns": m{"type": "array", "items": m{"type": "string", "enum": names}}}}
		item := m{"type": "object", "properties": m{"key": m{"type": "integer", "description": "place of the key among those asked, from 0"}, "row": one}}
		paths[path+"/lookup"] = m{"post": m{"operationId": "lookup", "summary": ds.Title, "parameters": headers, "requestBody": m{"required": true, "content": m{"application/json": m{"schema": in}}},
			"responses": answer(with(m{"items": m{"type": "array", "items": item}, "missed": ints, "wrong": ints, "more": m{"type": "boolean"}}))}}
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return m{"openapi": "3.1.0", "info": m{"title": ds.Title, "version": "1", "description": g.Purpose, "x-grant": g.ID, "x-until": g.Until, "x-quota": held.Quota},
		"servers": []any{m{"url": scheme + "://" + r.Host}}, "paths": paths, "components": m{"schemas": m{"Row": m{"type": "object", "properties": row, "additionalProperties": false}}}}
}

func schemaOf(c dataset.Column, clear bool) map[string]any {
	s := map[string]any{"title": c.Title}
	kind := []string{"string", "null"}
	switch c.Type.Kind {
	case warehouse.KindInteger:
		kind[0] = "integer"
	case warehouse.KindBoolean:
		kind[0] = "boolean"
	case warehouse.KindDate:
		s["format"] = "date"
	}
	if !clear {
		kind[0], s["description"] = "string", "masked"
		delete(s, "format")
	}
	s["type"] = kind
	return s
}

// publicKey gives the key that verifies manifests.
func (x *Exchange) publicKey(w http.ResponseWriter, r *http.Request) error {
	pem, err := x.ring.PublicKeyPEM(r.URL.Query().Get("id"))
	if err != nil {
		return errs.Wrap(err, errs.Missing, "exchange.no_signing_key")
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, err = w.Write(pem)
	return err
}
