package org

import (
	"context"
)

// searchSize is how many of each the palette shows.
const searchSize = 10

// FoundPerson is a person the palette offers.
type FoundPerson struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit" doc:"name of the unit of the main post"`
}

// FoundUnit is a unit the palette offers.
type FoundUnit struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Path string `json:"path" doc:"names from the top down, joined by /"`
}

type searchIn struct {
	Text string `query:"q" maxLength:"40" doc:"Chinese, pinyin or initials"`
}

type searchOut struct {
	Body struct {
		People []FoundPerson `json:"people" nullable:"false"`
		Units  []FoundUnit   `json:"units" nullable:"false"`
	}
}

func (o *Org) search(ctx context.Context, in *searchIn) (*searchOut, error) {
	out := &searchOut{}
	out.Body.People, out.Body.Units = []FoundPerson{}, []FoundUnit{}
	people, err := searchPeople(ctx, o.db, in.Text, searchSize)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		out.Body.People = append(out.Body.People, FoundPerson{p.ID, p.Name, p.Title, p.UnitName})
	}
	units, err := searchUnits(ctx, o.db, in.Text, searchSize)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(units))
	for i, u := range units {
		ids[i] = u.ID
	}
	paths, err := pathNames(ctx, o.db, ids)
	for _, u := range units {
		out.Body.Units = append(out.Body.Units, FoundUnit{u.ID, u.Name, paths[u.ID]})
	}
	return out, err
}
