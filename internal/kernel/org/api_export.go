package org

import (
	"context"
	"net/http"
	"net/url"

	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/org/internal/sheet"
)

// template answers with an empty table to fill in.
func template(name string, columns []sheet.Column) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		attach(w, name+"导入模板.xlsx")
		return sheet.Template(w, name, columns)
	}
}

// attach says that what follows is a workbook to be saved under name.
func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
}

// exportPeople answers with the people of ?unit= and below, or of all units the caller may export, one
// row for each post, in the columns that importPeople reads.
func (o *Org) exportPeople(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in := peopleIn{Unit: r.URL.Query().Get("unit"), Below: true, Active: "yes"}
	cond := store.And(append(in.conds(), authz.WhereCols(ctx, "org.export", authz.Cols{Unit: "e.unit_id", Street: "u.street", Owner: "e.id", Sections: true}).Cond())...)
	all, err := people(ctx, o.db, cond)
	if err != nil {
		return err
	}
	x, err := table.NewXLSX(w, "人员")
	if err != nil {
		return err
	}
	if err := o.writePeopleRows(ctx, x, all); err != nil {
		return err
	}
	e := audit.Entry{Action: "org.export_people", Object: "org_person", ID: in.Unit, Personal: true, Subjects: len(all)}
	if err := o.audit.Note(ctx, e); err != nil { // before the first byte: what cannot be recorded is not given away
		return err
	}
	attach(w, "人员.xlsx")
	return x.Close()
}

func (o *Org) writePeopleRows(ctx context.Context, x table.Writer, all []Person) error {
	var heads []any
	for _, c := range personSheet() {
		heads = append(heads, c.Names[0])
	}
	if err := x.Write(heads...); err != nil {
		return err
	}
	see, err := o.sight(ctx, o.db)
	if err != nil {
		return err
	}
	me := authz.From(ctx).Person
	paths := map[string]string{}
	for part := range chunks(all, 500) {
		ids := make([]string, len(part))
		for i, p := range part {
			ids[i] = p.ID
		}
		held, err := posts(ctx, o.db, store.And(store.C("p.until_at = 0"), store.In("p.person", ids)))
		if err != nil {
			return err
		}
		byPerson := map[string][]Post{}
		for _, p := range held {
			byPerson[p.Person] = append(byPerson[p.Person], p)
			if paths[p.Unit] == "" {
				found, err := pathNames(ctx, o.db, []string{p.Unit})
				if err != nil {
					return err
				}
				paths[p.Unit] = found[p.Unit]
			}
		}
		for _, p := range part {
			number, err := o.masked(ctx, see, p)
			if err == nil && see.whole(me, p) {
				number, err = o.open(p)
			}
			if err != nil {
				return err
			}
			for _, t := range byPerson[p.ID] {
				if err := x.Write(p.Name, p.StaffNo, paths[t.Unit], t.Title, map[bool]string{true: "主职", false: "兼职"}[t.Main], t.Rank,
					t.Leader, map[string]string{"male": "男", "female": "女"}[p.Sex], number, p.OfficePhone, when.FormatDate(t.From.Time)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// exportUnits answers with the open units the caller may export, in the columns that importUnits reads.
func (o *Org) exportUnits(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	cond := store.And(store.C("u.closed_at = 0"), authz.WhereCols(ctx, "org.export", authz.Cols{Unit: "u.id", Street: "u.street", Sections: true}).Cond())
	all, err := units(ctx, o.db, cond)
	if err != nil {
		return err
	}
	x, err := table.NewXLSX(w, "单位")
	if err != nil {
		return err
	}
	var heads []any
	for _, c := range unitSheet() {
		heads = append(heads, c.Names[0])
	}
	if err := x.Write(heads...); err != nil {
		return err
	}
	ids := make([]string, len(all))
	for i, u := range all {
		ids[i] = u.Parent
	}
	paths, err := pathNames(ctx, o.db, ids)
	if err != nil {
		return err
	}
	for _, u := range all {
		if err := x.Write(u.Name, paths[u.Parent], kindTitles[u.Kind], u.Short, joined(u.Aliases), u.Code, u.Rank, u.StreetOwn, when.FormatDate(u.Since.Time)); err != nil {
			return err
		}
	}
	if err := o.audit.Note(ctx, audit.Entry{Action: "org.export_units", Object: "org_unit", Detail: map[string]any{"units": len(all)}}); err != nil {
		return err
	}
	attach(w, "单位.xlsx")
	return x.Close()
}
