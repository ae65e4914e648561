package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/kernel/dataset"
)

// The reading part of CKAN's Action API v3, so that harvesters and clients of CKAN read what is open. An answer is
// {help, success, result}, a failure {help, success, error: {__type, message}} with 404, 409 or 403.

// ckanCall is one call: its parameters, from the query or a JSON body.
type ckanCall struct {
	ctx    context.Context
	origin string
	args   map[string]string
}

// badCall is a parameter CKAN would refuse with a validation error.
func badCall(name string) error {
	return errs.New(errs.Conflict, "catalog.ckan_bad", name)
}

func (k *ckanCall) number(name string, usual, most int64) (int64, error) {
	s := k.args[name]
	if s == "" {
		return usual, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, badCall(name)
	}
	return min(n, most), nil
}

// actions are those that are answered.
func (c *Catalog) actions() map[string]func(*ckanCall) (any, error) {
	return map[string]func(*ckanCall) (any, error){
		"package_list": c.packageList, "package_search": c.packageSearch, "package_show": c.packageShow, "current_package_list_with_resources": c.packagesWhole,
		"organization_list": c.organizationList, "organization_show": c.organizationShow, "group_list": c.groupList, "group_show": c.groupShow, "tag_list": c.tagList, "license_list": c.licenseList,
		"resource_show": c.resourceShow, "datastore_search": c.datastoreSearch, "datastore_info": c.datastoreInfo, "status_show": c.statusShow, "site_read": c.siteRead, "help_show": c.helpShow,
	}
}

// ckan answers one action.
func (c *Catalog) ckan(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	k := &ckanCall{ctx: r.Context(), origin: c.origin(r), args: map[string]string{}}
	act, ok := c.actions()[name]
	var result any
	err := error(errs.New(errs.Missing, "catalog.ckan_action", name))
	if ok {
		if err = k.read(w, r); err == nil {
			result, err = act(k)
		}
	}
	out := map[string]any{"help": k.origin + "/api/3/action/help_show?name=" + name, "success": err == nil}
	status := http.StatusOK
	if err != nil {
		kind := "Not Found Error"
		switch errs.KindOf(err) {
		case errs.Missing:
			status = http.StatusNotFound
		case errs.Conflict, errs.Invalid:
			kind, status = "Validation Error", http.StatusConflict
		case errs.Denied, errs.Unsigned:
			kind, status = "Authorization Error", http.StatusForbidden
		default:
			return err
		}
		e, _ := errors.AsType[*errs.Error](err)
		out["error"] = map[string]any{"__type": kind, "message": c.words.Text(web.From(k.ctx).Lang, e.Key, e.Args...)}
	} else {
		out["result"] = result
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(out)
}

// read takes the parameters of the query, and of a JSON body what stands there.
func (k *ckanCall) read(w http.ResponseWriter, r *http.Request) error {
	for name, values := range r.URL.Query() {
		k.args[name] = values[0]
	}
	if r.Method != http.MethodPost {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || len(strings.TrimSpace(string(body))) == 0 {
		return nil
	}
	var said map[string]json.RawMessage
	if err := json.Unmarshal(body, &said); err != nil {
		return badCall("body")
	}
	for name, raw := range said {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			s = string(raw)
		}
		k.args[name] = s
	}
	return nil
}

// slug is a package's name: CKAN wants [a-z0-9_-]{2,100}, so it is the entry's id.
func (o *offered) slug() string { return o.ID }

func (c *Catalog) packageList(k *ckanCall) (any, error) {
	limit, err := k.number("limit", 1000, 1000)
	if err != nil {
		return nil, err
	}
	offset, err := k.number("offset", 0, 1<<40)
	if err != nil {
		return nil, err
	}
	where := offering(k.ctx)
	all, err := store.Column[string](k.ctx, c.db, `SELECT c.id FROM catalog c WHERE `+where.SQL+` ORDER BY c.id LIMIT `+strconv.FormatInt(limit, 10)+` OFFSET `+strconv.FormatInt(offset, 10), where.Args...)
	if all == nil {
		all = []string{}
	}
	return all, err
}

// facetColumns are what a search may be narrowed and counted by.
var facetColumns = map[string]string{"organization": "c.unit_id", "owner_org": "c.unit_id", "groups": "c.node", "res_format": "c.format", "share_type": "c.share", "update_cycle": "c.cycle", "level": "c.level"}

func (c *Catalog) packageSearch(k *ckanCall) (any, error) {
	conds, err := k.narrowed()
	if err != nil {
		return nil, err
	}
	rows, err := k.number("rows", 10, 1000)
	if err != nil {
		return nil, err
	}
	start, err := k.number("start", 0, 1<<40)
	if err != nil {
		return nil, err
	}
	order := k.sorted()
	where := store.And(conds...)
	all, err := c.offers(k.ctx, c.db, where, order+` LIMIT `+strconv.FormatInt(rows, 10)+` OFFSET `+strconv.FormatInt(start, 10))
	if err != nil {
		return nil, err
	}
	within := store.And(offering(k.ctx), where)
	count, err := store.Value[int64](k.ctx, c.db, `SELECT count(*) FROM catalog c WHERE `+within.SQL, within.Args...)
	if err != nil {
		return nil, err
	}
	packages, err := c.packages(k, all)
	if err != nil {
		return nil, err
	}
	facets, counts, err := c.searchFacets(k, within)
	return map[string]any{"count": count, "sort": cmp.Or(k.args["sort"], "metadata_modified desc"), "results": packages, "facets": counts, "search_facets": facets}, err
}

// searchFacets counts the values of the fields asked for.
func (c *Catalog) searchFacets(k *ckanCall, within store.Cond) (out, counts map[string]any, err error) {
	fields := k.list("facet.field")
	if k.args["facet.field"] != "" && fields == nil {
		return nil, nil, badCall("facet.field")
	}
	most, err := k.number("facet.limit", 50, 1000)
	if err != nil {
		return nil, nil, err
	}
	out, counts = map[string]any{}, map[string]any{}
	for _, f := range fields {
		column := facetColumns[f]
		if column == "" {
			continue
		}
		all, err := store.All(k.ctx, c.db, func(v *Facet) []any { return []any{&v.Value, &v.Count} },
			`SELECT `+column+`, count(*) FROM catalog c WHERE `+within.SQL+` GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT `+strconv.FormatInt(most, 10), within.Args...)
		if err != nil {
			return nil, nil, err
		}
		var units []string
		for _, v := range all {
			units = append(units, v.Value)
		}
		n, err := c.names(k.ctx, c.db, units)
		if err != nil {
			return nil, nil, err
		}
		items, plain := []map[string]any{}, map[string]int64{}
		for _, v := range all {
			name := v.Value
			switch column {
			case "c.unit_id":
				name = n.units[v.Value]
			case "c.node":
				name = n.classes[v.Value]
			}
			plain[v.Value] = v.Count
			items = append(items, map[string]any{"name": v.Value, "display_name": name, "count": v.Count})
		}
		out[f] = map[string]any{"title": f, "items": items}
		counts[f] = plain
	}
	return out, counts, nil
}

func (c *Catalog) packages(k *ckanCall, all []offered) ([]map[string]any, error) {
	var units []string
	for _, o := range all {
		units = append(units, o.Unit)
	}
	n, err := c.names(k.ctx, c.db, units)
	out := make([]map[string]any, len(all))
	for i := range all {
		o := &all[i]
		tags := []map[string]any{}
		for _, t := range o.body.Keywords {
			tags = append(tags, map[string]any{"name": t, "display_name": t, "state": "active"})
		}
		resources := []map[string]any{}
		for _, m := range o.mounts {
			resources = append(resources, c.resource(k, o, &m))
		}
		extra := func(key, value string) map[string]any { return map[string]any{"key": key, "value": value} }
		out[i] = map[string]any{"id": o.ID, "name": o.slug(), "title": o.Name, "notes": o.Summary, "owner_org": o.Unit, "organization": organization(o.Unit, n.units[o.Unit]),
			"groups": []map[string]any{{"id": o.Node, "name": o.Node, "title": n.classes[o.Node], "display_name": n.classes[o.Node]}}, "tags": tags, "num_tags": len(tags), "resources": resources, "num_resources": len(resources),
			"metadata_created": stamp(o.Published), "metadata_modified": stamp(o.Changed), "license_id": "notspecified", "private": !o.Open, "state": "active", "type": "dataset", "version": strconv.FormatInt(o.Serving, 10),
			"maintainer": o.body.Contact, "url": k.origin + "/catalog/entries/" + o.ID,
			"extras": []map[string]any{extra("resource_code", o.Code), extra("share_type", o.Share), extra("share_condition", o.body.Condition), extra("update_cycle", o.Cycle), extra("level", string(o.Level))}}
	}
	return out, err
}

func organization(id, title string) map[string]any {
	return map[string]any{"id": id, "name": id, "title": title, "display_name": title, "is_organization": true, "state": "active", "type": "organization"}
}

func (c *Catalog) resource(k *ckanCall, o *offered, m *binding) map[string]any {
	active := o.Open && len(m.Faults.V) == 0
	out := map[string]any{"id": m.ID, "package_id": o.ID, "name": m.Title, "format": "CSV", "mimetype": "text/csv", "url": k.origin + "/api/catalog/open/" + m.ID + ".csv", "datastore_active": active,
		"last_modified": stamp(m.DataAt), "created": stamp(m.MountedAt), "state": "active"}
	if !active {
		out["url"], out["format"], out["mimetype"] = k.origin+"/catalog/entries/"+o.ID, "", ""
	}
	return out
}

func stamp(t store.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000")
}

func (c *Catalog) packageShow(k *ckanCall) (any, error) {
	all, err := c.offers(k.ctx, c.db, store.C("c.id = $1 OR c.code = $2", k.args["id"], k.args["id"]), "")
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || k.args["id"] == "" {
		return nil, errs.New(errs.Missing, "catalog.ckan_missing")
	}
	packages, err := c.packages(k, all[:1])
	return packages[0], err
}

func (c *Catalog) resourceShow(k *ckanCall) (any, error) {
	m, err := oneBinding(k.ctx, c.db, k.args["id"])
	if err != nil {
		return nil, err
	}
	all, err := c.offers(k.ctx, c.db, store.C("c.id = $1", m.Entry), "")
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || m.State != mounted {
		return nil, errs.New(errs.Missing, "catalog.ckan_missing")
	}
	return c.resource(k, &all[0], &m), nil
}

// counted counts the entries of each unit or class.
func (c *Catalog) counts(k *ckanCall, column string) (map[string]int64, []string, error) {
	where := offering(k.ctx)
	all, err := store.All(k.ctx, c.db, func(v *Facet) []any { return []any{&v.Value, &v.Count} }, `SELECT `+column+`, count(*) FROM catalog c WHERE `+where.SQL+` GROUP BY 1 ORDER BY 1`, where.Args...)
	out, order := map[string]int64{}, []string{}
	for _, v := range all {
		out[v.Value] = v.Count
		order = append(order, v.Value)
	}
	return out, order, err
}

func (c *Catalog) organizationList(k *ckanCall) (any, error) {
	count, ids, err := c.counts(k, "c.unit_id")
	if err != nil || k.args["all_fields"] != "true" && k.args["all_fields"] != "True" {
		return ids, err
	}
	n, err := c.org.UnitNames(k.ctx, c.db, ids)
	out := []map[string]any{}
	for _, id := range ids {
		one := organization(id, n[id])
		one["package_count"] = count[id]
		out = append(out, one)
	}
	return out, err
}

func (c *Catalog) organizationShow(k *ckanCall) (any, error) {
	count, _, err := c.counts(k, "c.unit_id")
	if err != nil {
		return nil, err
	}
	id := k.args["id"]
	if count[id] == 0 {
		return nil, errs.New(errs.Missing, "catalog.ckan_missing")
	}
	n, err := c.org.UnitNames(k.ctx, c.db, []string{id})
	one := organization(id, n[id])
	one["package_count"] = count[id]
	return one, err
}

func (c *Catalog) groupList(k *ckanCall) (any, error) {
	count, ids, err := c.counts(k, "c.node")
	if err != nil || k.args["all_fields"] != "true" && k.args["all_fields"] != "True" {
		return ids, err
	}
	n, err := c.names(k.ctx, c.db, nil)
	out := []map[string]any{}
	for _, id := range ids {
		out = append(out, map[string]any{"id": id, "name": id, "title": n.classes[id], "display_name": n.classes[id], "package_count": count[id], "is_organization": false, "type": "group", "state": "active"})
	}
	return out, err
}

func (c *Catalog) tagList(k *ckanCall) (any, error) {
	all, err := c.offers(k.ctx, c.db, store.Cond{}, ` ORDER BY c.id LIMIT 5000`)
	out := []string{}
	for _, o := range all {
		out = append(out, o.body.Keywords...)
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

func (c *Catalog) statusShow(k *ckanCall) (any, error) {
	return map[string]any{"ckan_version": "2.10", "site_url": k.origin, "site_title": c.words.Text(web.From(k.ctx).Lang, "catalog.dcat_title", c.settings.String(k.ctx, "system.district")), "locale_default": "zh_Hans_CN",
		"extensions": []string{"datastore"}, "error_emails_to": nil}, nil
}

// datastoreSearch answers from an open table: which columns, which rows, in which order.
func (c *Catalog) datastoreSearch(k *ckanCall) (any, error) {
	t, err := c.opened(k.ctx, k.args["resource_id"])
	if err != nil {
		return nil, err
	}
	q, shown, err := k.query(t)
	if err != nil {
		return nil, err
	}
	total, err := c.ask(k.ctx, t, warehouse.Query{Where: q.Where, Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}})
	if err != nil {
		return nil, err
	}
	records := []map[string]any{}
	if q.Limit > 0 {
		rows, err := c.ask(k.ctx, t, q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			one := map[string]any{}
			for i, col := range shown {
				one[col.Name] = cell(row[i])
			}
			records = append(records, one)
		}
	}
	fields := []map[string]any{}
	for _, col := range shown {
		fields = append(fields, map[string]any{"id": col.Name, "type": ckanType(col.Type.Kind), "info": map[string]any{"label": col.Title}})
	}
	return map[string]any{"resource_id": k.args["resource_id"], "fields": fields, "records": records, "records_format": "objects", "total": total[0][0], "limit": q.Limit, "offset": q.Offset, "total_was_estimated": false}, nil
}

func cell(v any) any {
	switch v := v.(type) {
	case nil, int64, bool, string:
		return v
	}
	return warehouse.Format(v)
}

func ckanType(k warehouse.Kind) string {
	return map[warehouse.Kind]string{warehouse.KindText: "text", warehouse.KindInteger: "int8", warehouse.KindDecimal: "numeric", warehouse.KindDate: "date", warehouse.KindDatetime: "timestamp", warehouse.KindBoolean: "bool"}[k]
}

// query reads fields, filters, q, sort, limit and offset over the columns that are open.
func (k *ckanCall) query(t openTable) (warehouse.Query, []dataset.Column, error) {
	var q warehouse.Query
	find := func(name string) (dataset.Column, error) {
		i := slices.IndexFunc(t.cols, func(c dataset.Column) bool { return c.Name == name || c.Title == name })
		if i < 0 {
			return dataset.Column{}, badCall(name)
		}
		return t.cols[i], nil
	}
	shown := t.cols
	if fields := k.args["fields"]; fields != "" {
		shown = nil
		for _, name := range strings.Split(strings.Trim(fields, "[]"), ",") {
			col, err := find(strings.Trim(name, `" `))
			if err != nil {
				return q, nil, err
			}
			shown = append(shown, col)
		}
	}
	for _, col := range shown {
		q.Select = append(q.Select, warehouse.Item{Col: col.Name})
	}
	conds, err := k.filters(find)
	if err != nil {
		return q, nil, err
	}
	if words := k.args["q"]; words != "" {
		var any []warehouse.Cond
		for _, col := range t.cols {
			if col.Type.Kind == warehouse.KindText {
				any = append(any, warehouse.Contains(col.Name, words))
			}
		}
		conds = append(conds, warehouse.Or(any...))
	}
	q.Where = warehouse.And(conds...)
	if sort := k.args["sort"]; sort != "" {
		for _, part := range strings.Split(sort, ",") {
			words := strings.Fields(part)
			if len(words) == 0 {
				continue
			}
			col, err := find(strings.Trim(words[0], `"`))
			if err != nil {
				return q, nil, err
			}
			q.Order = append(q.Order, warehouse.Sort{By: col.Name, Desc: len(words) > 1 && strings.EqualFold(words[1], "desc")})
		}
	} else {
		for _, col := range t.cols {
			q.Order = append(q.Order, warehouse.Sort{By: col.Name})
		}
	}
	if q.Limit, err = k.number("limit", 100, mostRows); err != nil {
		return q, nil, err
	}
	q.Offset, err = k.number("offset", 0, 1<<40)
	return q, shown, err
}

// filters reads {"column": value} and {"column": [values]}.
func (k *ckanCall) filters(find func(string) (dataset.Column, error)) ([]warehouse.Cond, error) {
	if k.args["filters"] == "" {
		return nil, nil
	}
	var said map[string]any
	if err := json.Unmarshal([]byte(k.args["filters"]), &said); err != nil {
		return nil, badCall("filters")
	}
	var out []warehouse.Cond
	for name, v := range said {
		col, err := find(name)
		if err != nil {
			return nil, err
		}
		list, many := v.([]any)
		if !many {
			list = []any{v}
		}
		var values []any
		for _, one := range list {
			text, _ := one.(string)
			if text == "" {
				b, _ := json.Marshal(one)
				text = strings.Trim(string(b), `"`)
			}
			value, err := col.Value(text)
			if err != nil || value == nil {
				return nil, badCall(name)
			}
			values = append(values, value)
		}
		out = append(out, warehouse.In(col.Name, values...))
	}
	return out, nil
}
