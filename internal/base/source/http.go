package source

import (
	"net/url"

	"qushu/internal/base/errs"
)

// API says how rows are asked for over HTTP.
type API struct {
	URL    string `json:"url,omitempty" required:"false" maxLength:"1000" doc:"of the first page"`
	Header string `json:"header,omitempty" required:"false" maxLength:"100" doc:"name of the header the secret is sent in, Authorization when empty"`
	Rows   string `json:"rows,omitempty" required:"false" maxLength:"200" doc:"where the rows stand in the answer, parts joined by points; empty when the answer is the list"`
	Paging string `json:"paging,omitempty" required:"false" enum:",page,offset,cursor,link" doc:"empty: one page only"`
	Param  string `json:"param,omitempty" required:"false" maxLength:"100" doc:"query parameter of the page's number, offset or cursor"`
	SizeBy string `json:"sizeBy,omitempty" required:"false" maxLength:"100" doc:"query parameter of the page's size, empty for none"`
	Size   int    `json:"size,omitempty" required:"false" minimum:"0" maximum:"10000" doc:"rows of a page"`
	First  int    `json:"first,omitempty" required:"false" minimum:"0" maximum:"1" doc:"number of the first page"`
	Next   string `json:"next,omitempty" required:"false" maxLength:"200" doc:"where the cursor or the address of the next page stands in the answer; of link, empty for the Link header"`
	Max    int    `json:"max,omitempty" required:"false" minimum:"0" maximum:"100000" doc:"pages at most, 0 for 1000"`
	Pace   int    `json:"pace,omitempty" required:"false" minimum:"0" maximum:"1000" doc:"requests a second at most, 0 for 5"`
}

func (a API) check() []errs.Field {
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return []errs.Field{{Name: "url", Key: "source.bad_url"}}
	}
	switch {
	case (a.Paging == "page" || a.Paging == "offset" || a.Paging == "cursor") && a.Param == "":
		return []errs.Field{{Name: "param", Key: "source.needed"}}
	case a.Paging == "cursor" && a.Next == "":
		return []errs.Field{{Name: "next", Key: "source.needed"}}
	}
	return nil
}
