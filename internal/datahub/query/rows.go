package query

import (
	"encoding/json"
	"net/http"

	"qushu/internal/base/warehouse"
)

// rowsBody is what a program is answered.
type rowsBody struct {
	Columns []Head           `json:"columns"`
	Rows    []map[string]any `json:"rows"` // by the columns' names; whole numbers and truth values as such, all else as text
	More    bool             `json:"more"`
	Sources []Source         `json:"sources"`
}

// writeRows writes an answer for a program.
func writeRows(w http.ResponseWriter, a *Answer) error {
	out := rowsBody{Columns: a.Columns, Rows: make([]map[string]any, len(a.Rows)), More: a.More, Sources: a.Sources}
	for i := range out.Sources {
		out.Sources[i].LoadedBy = "" // a program has no need of who
	}
	for i, row := range a.Rows {
		out.Rows[i] = make(map[string]any, len(row))
		for j, v := range row {
			out.Rows[i][a.Columns[j].Name] = plain(a.Columns[j].Kind, v)
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return json.NewEncoder(w).Encode(out)
}

func plain(kind warehouse.Kind, v string) any {
	switch {
	case v == "" && kind != warehouse.KindText:
		return nil
	case kind == warehouse.KindInteger:
		return json.Number(v)
	case kind == warehouse.KindBoolean:
		return v == "true"
	}
	return v
}
