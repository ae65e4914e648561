package forms

import (
	"context"

	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/org"
)

// Street is a street with its communities, as a place field offers them.
type Street struct {
	Code        string      `json:"code" doc:"9 digits, GB/T 10114"`
	Name        string      `json:"name"`
	Communities []Community `json:"communities" nullable:"false"`
}

// Community is a community of a street.
type Community struct {
	Code string `json:"code" doc:"12 digits, GB/T 10114"`
	Name string `json:"name"`
}

type placesOut struct {
	Body struct {
		Items     []Street `json:"items" nullable:"false"`
		Street    string   `json:"street" doc:"where the caller works, empty outside the streets"`
		Community string   `json:"community"`
	}
}

// places lists the district's streets and communities: every community in the tree under the street its code begins with.
func (f *Forms) places(ctx context.Context, _ *struct{}) (*placesOut, error) {
	all, err := f.org.Areas(ctx, f.db)
	if err != nil {
		return nil, err
	}
	out := &placesOut{}
	out.Body.Items = []Street{}
	at := map[string]int{}
	home := authz.From(ctx).Home
	for _, u := range all {
		if u.Kind == org.Street && len(u.Code) >= 9 {
			at[u.Code[:9]] = len(out.Body.Items)
			out.Body.Items = append(out.Body.Items, Street{u.Code[:9], u.Label(), []Community{}})
		}
	}
	for _, u := range all {
		i, ok := at[u.Code[:min(9, len(u.Code))]]
		if u.Kind == org.Community && len(u.Code) == 12 && ok {
			out.Body.Items[i].Communities = append(out.Body.Items[i].Communities, Community{u.Code, u.Label()})
		}
		if ok && u.ID == home {
			out.Body.Street = u.Code[:9]
			if u.Kind == org.Community {
				out.Body.Community = u.Code
			}
		}
	}
	if s := authz.From(ctx).Street; out.Body.Street == "" && s != "" {
		out.Body.Street = s
	}
	return out, nil
}
