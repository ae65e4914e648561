package query

import (
	"errors"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Plan is what a saved question asks, and how its answer is drawn.
type Plan struct {
	SQL    string     `json:"sql" required:"false" maxLength:"20000" doc:"the text; empty when it was put together in a form"`
	Build  *Build     `json:"build,omitempty"`
	Params []Param    `json:"params" required:"false" nullable:"false" maxItems:"30"`
	AsOf   store.Time `json:"asOf" required:"false" doc:"the datasets are asked as they stood at this moment unless another is given"`
	Chart  Chart      `json:"chart" required:"false"`
}

// Chart is how an answer is drawn. The table can be seen beside every chart.
type Chart struct {
	Kind   string `json:"kind" required:"false" enum:",table,bar,line,pie,number" doc:"table when empty"`
	X      int    `json:"x" required:"false" minimum:"0" maximum:"200" doc:"place of the column along the axis, from 1; 0 for none"`
	Series []int  `json:"series" required:"false" nullable:"false" maxItems:"6" doc:"places of the columns drawn, from 1"`
	Stack  bool   `json:"stack" required:"false"`
}

// Share is one unit, with all below it, or one person.
type Share struct {
	Unit   string `json:"unit" required:"false" maxLength:"40"`
	Person string `json:"person" required:"false" maxLength:"40"`
	Name   string `json:"name" readOnly:"true" required:"false"`
}

// Saved is a question kept under a name.
type Saved struct {
	ID        string
	Name      string
	Summary   string
	Number    int64
	Owner     string
	OwnerName string
	Unit      string
	Street    string
	At        store.Time
	Version   int64
}

// Edition is one state of a saved question.
type Edition struct {
	Saved      string
	Number     int64
	Engine     string
	Plan       Plan
	Person     string
	PersonName string
	At         store.Time
}

// check says what is wrong with a plan, by field.
func (p Plan) check() error {
	var bad []errs.Field
	if (strings.TrimSpace(p.SQL) == "") == (p.Build == nil) {
		bad = append(bad, errs.Field{Name: "sql", Key: "query.sql_or_form"})
	}
	var names []string
	for _, one := range p.Params {
		if slices.Contains(names, one.Name) {
			bad = append(bad, errs.Field{Name: "params", Key: "query.param_twice", Args: []any{one.Name}})
		}
		names = append(names, one.Name)
		if _, err := one.value(); err != nil {
			e, _ := errors.AsType[*errs.Error](err)
			bad = append(bad, e.Fields...)
		}
		if len(one.Options) > 0 && one.Value != "" && !slices.Contains(one.Options, one.Value) {
			bad = append(bad, errs.Field{Name: "params." + one.Name, Key: "query.param_option"})
		}
	}
	if k := p.Chart.Kind; k != "" && k != "table" && len(p.Chart.Series) == 0 {
		bad = append(bad, errs.Field{Name: "chart", Key: "query.chart_series"})
	}
	if bad != nil {
		return errs.New(errs.Invalid, "query.plan").With(bad...)
	}
	return nil
}

// filled puts values that came with a call into the parameters, and refuses those that may not be chosen.
func (p Plan) filled(from map[string]string) ([]Param, error) {
	out, err := given(p.Params, from)
	for _, one := range out {
		if err == nil && len(one.Options) > 0 && !slices.Contains(one.Options, one.Value) {
			err = errs.New(errs.Invalid, "query.param", one.called()).With(errs.Field{Name: "params." + one.Name, Key: "query.param_option"})
		}
	}
	return out, err
}
