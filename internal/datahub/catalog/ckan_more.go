package catalog

import (
	"encoding/json"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
)

// list reads an argument that is a list: JSON, or Python's writing of one.
func (k *ckanCall) list(name string) []string {
	var out []string
	if json.Unmarshal([]byte(strings.ReplaceAll(k.args[name], "'", `"`)), &out) != nil {
		return nil
	}
	return out
}

// groupShow answers of one theme.
func (c *Catalog) groupShow(k *ckanCall) (any, error) {
	count, _, err := c.counts(k, "c.node")
	if err != nil {
		return nil, err
	}
	id := k.args["id"]
	if count[id] == 0 {
		return nil, errs.New(errs.Missing, "catalog.ckan_missing")
	}
	n, err := c.names(k.ctx, c.db, nil)
	return map[string]any{"id": id, "name": id, "title": n.classes[id], "display_name": n.classes[id], "package_count": count[id], "is_organization": false, "type": "group", "state": "active"}, err
}

// packagesWhole is current_package_list_with_resources, which older harvesters page through.
func (c *Catalog) packagesWhole(k *ckanCall) (any, error) {
	limit, err := k.number("limit", 100, 1000)
	if err != nil {
		return nil, err
	}
	offset, err := k.number("offset", 0, 1<<40)
	if err != nil {
		return nil, err
	}
	all, err := c.offers(k.ctx, c.db, store.Cond{}, ` ORDER BY c.changed_at DESC, c.id LIMIT `+strconv.FormatInt(limit, 10)+` OFFSET `+strconv.FormatInt(offset, 10))
	if err != nil {
		return nil, err
	}
	return c.packages(k, all)
}

// helpShow says what an action is.
func (c *Catalog) helpShow(k *ckanCall) (any, error) {
	name := k.args["name"]
	if _, ok := c.actions()[name]; !ok {
		return nil, errs.New(errs.Missing, "catalog.ckan_action", name)
	}
	return "CKAN Action API v3, " + name + ". https://docs.ckan.org/en/2.10/api/", nil
}

func (c *Catalog) siteRead(*ckanCall) (any, error) { return true, nil }

// licenseList has the one licence packages name.
func (c *Catalog) licenseList(*ckanCall) (any, error) {
	return []map[string]any{{"id": "notspecified", "title": "License Not Specified", "status": "active", "url": "", "domain_data": false, "domain_content": false, "domain_software": false, "is_generic": true, "family": "",
		"maintainer": "", "od_conformance": "not reviewed", "osd_conformance": "not reviewed"}}, nil
}

// datastoreInfo tells the columns and the size of an open table.
func (c *Catalog) datastoreInfo(k *ckanCall) (any, error) {
	id := k.args["id"]
	if id == "" {
		id = k.args["resource_id"]
	}
	t, err := c.opened(k.ctx, id)
	if err != nil {
		return nil, err
	}
	total, err := c.ask(k.ctx, t, warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}})
	if err != nil {
		return nil, err
	}
	fields := []map[string]any{}
	for _, col := range t.cols {
		fields = append(fields, map[string]any{"id": col.Name, "type": ckanType(col.Type.Kind), "info": map[string]any{"label": col.Title}, "schema": map[string]any{"native_type": col.Type.String(), "notnull": false, "is_index": col.Key}})
	}
	return map[string]any{"meta": map[string]any{"id": id, "count": total[0][0], "table_type": "BASE TABLE"}, "fields": fields}, nil
}
