package catalog

import "qushu/internal/room"

func (c *Catalog) otherRoutes() []room.Route {
	return []room.Route{
		room.Post("/import", "catalog.edit", c.importBook).Body(maxFile),
		room.Post("/import/check", "catalog.edit", c.checkBook).Body(maxFile).NoAudit("only says what would come of it"),
		room.Get("/reports", "catalog.review", c.reports),
		room.Put("/entries/{id}/watch", "catalog.read", c.watch),
		room.Get("/demands", "catalog.read", c.listDemands),
		room.Post("/demands", "catalog.read", c.raise),
		room.Get("/demand-figures", "catalog.read", c.demandFigures),
		room.Get("/demands/{id}", "catalog.read", c.showDemand),
	}
}

func (c *Catalog) raws() []room.Raw {
	return []room.Raw{
		{Method: "GET", Path: "/entries.xlsx", Perm: "catalog.read", Doc: "the entries of a list as a workbook of two sheets, which /import reads; asked for as /entries", Serve: c.export},
		{Method: "GET", Path: "/template.xlsx", Perm: "catalog.edit", Doc: "an empty workbook with one example", Serve: c.template},
		{Method: "GET", Path: "/runs/{id}/remarks.xlsx", Perm: "catalog.edit", Doc: "what a run refused or remarked, row by row", Serve: c.remarks},
		{Method: "GET", Path: "/dcat", Perm: room.Open, Doc: "what is published and open as DCAT in JSON-LD", Serve: c.dcat(false)},
		{Method: "GET", Path: "/dcat.jsonld", Perm: room.Open, Doc: "the same", Serve: c.dcat(false)},
		{Method: "GET", Path: "/dcat.ttl", Perm: room.Open, Doc: "the same as Turtle", Serve: c.dcat(true)},
		{Method: "GET", Path: "/open/{id}", Perm: room.Open, Doc: "an open, mounted table as CSV: <mount>.csv", Serve: c.openCSV},
		{Method: "GET", At: "/api/3/action/{name}", Perm: room.Open, Doc: "the reading part of CKAN's Action API v3 over what is open", Serve: c.ckan},
		{Method: "POST", At: "/api/3/action/{name}", Perm: room.Open, Doc: "the same, parameters as JSON", Serve: c.ckan, Unaudited: "CKAN's clients read by POST too; nothing is changed"},
		{Method: "GET", At: "/api/action/{name}", Perm: room.Open, Doc: "the same, as clients ask that name no version", Serve: c.ckan},
		{Method: "POST", At: "/api/action/{name}", Perm: room.Open, Doc: "the same, parameters as JSON", Serve: c.ckan, Unaudited: "CKAN's clients read by POST too; nothing is changed"},
	}
}
