package system

import (
	"context"

	"qushu/internal/base/bus"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// Room declares the package.
func (y *System) Room() *room.Room {
	return &room.Room{Name: "system", Pillar: room.Kernel, Text: Text,
		Perms: []room.Perm{{Name: "system.health", Admin: room.System}, {Name: "system.jobs", Admin: room.System}},
		Menu:  []room.Menu{{Name: "health", Path: "/system", Perm: "system.health", Rank: 910}, {Name: "jobs", Path: "/system/jobs", Perm: "system.jobs", Rank: 920}},
		Routes: []room.Route{
			room.Get("/site", room.Open, y.getSite),
			room.Get("/health", "system.health", y.health),
			room.Get("/jobs", "system.jobs", y.list),
			room.Post("/jobs/{id}/retry", "system.jobs", y.retry),
			room.Delete("/jobs/{id}", "system.jobs", y.drop),
		},
		Hears:   []bus.Listener{bus.On("identity.session_ended", y.sessionEnded)},
		Actions: []string{"system.job_retry", "system.job_drop", "system.key_rotate", "system.key_reseal", "system.key_retire"},
		Settings: []room.Setting{
			{Name: "district", Default: "武汉市洪山区", Admin: room.System, Public: true},
			{Name: "organizer", Default: "", Admin: room.System, Public: true},
			{Name: "help_phone", Default: "", Admin: room.System, Public: true},
			{Name: "identifier", Default: "", Admin: room.System, Public: true},
			{Name: "icp", Default: "", Admin: room.System, Public: true},
			{Name: "police", Default: "", Admin: room.System, Public: true},
		},
	}
}

type siteOut struct {
	Body struct {
		Product   string `json:"product"`
		District  string `json:"district"`
		Version   string `json:"version"`
		Demo      bool   `json:"demo"`
		HelpPhone string `json:"helpPhone"`
		Footer    footer `json:"footer"`
	}
}

// footer holds what 国办发〔2017〕47号 asks a government site to show; empty ones are hidden.
type footer struct {
	Organizer  string `json:"organizer" doc:"主办单位"`
	Identifier string `json:"identifier" doc:"网站标识码"`
	ICP        string `json:"icp" doc:"ICP备案号"`
	Police     string `json:"police" doc:"公安备案号"`
}

func (y *System) getSite(ctx context.Context, _ *struct{}) (*siteOut, error) {
	var o siteOut
	text := func(name string) string { return y.settings.String(ctx, "system."+name) }
	o.Body.Product, o.Body.District, o.Body.Version, o.Body.Demo, o.Body.HelpPhone = "区枢", text("district"), y.site.Version, y.site.Demo, text("help_phone")
	o.Body.Footer = footer{text("organizer"), text("identifier"), text("icp"), text("police")}
	return &o, nil
}

type check struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	State State  `json:"state" enum:"ok,warn,bad"`
	Text  string `json:"text"`
}

type healthOut struct {
	Body struct {
		Version string     `json:"version"`
		Started store.Time `json:"started"`
		Checks  []check    `json:"checks" nullable:"false"`
	}
}

// Words finds texts; the house's catalogue is one.
type Words interface {
	Has(key string) bool
	Text(lang, key string, args ...any) string
}

// Say writes findings in a language.
func Say(w Words, lang string, all []Named) []check {
	out := make([]check, len(all))
	for i, n := range all {
		out[i] = check{n.Name, w.Text(lang, "check."+n.Name), n.State, w.Text(lang, n.Key, n.Args...)}
	}
	return out
}

func (y *System) health(ctx context.Context, _ *struct{}) (*healthOut, error) {
	var o healthOut
	o.Body.Version, o.Body.Started = y.site.Version, store.At(y.started)
	o.Body.Checks = Say(y.catalog, web.From(ctx).Lang, y.Examine(ctx))
	return &o, nil
}

type jobsIn struct {
	Parked bool `query:"parked" doc:"those that wait for an administrator"`
}

// jobRow is a job with what it does in words, the text "job.<name>".
type jobRow struct {
	jobs.Row
	Title string `json:"title"`
}

type jobsOut struct {
	Body struct {
		Items   []jobRow `json:"items" nullable:"false"`
		Waiting int      `json:"waiting"`
		Parked  int      `json:"parked"`
	}
}

// shown is how many jobs one look shows; there is no reason to page through parked ones.
const shown = 200

func (y *System) list(ctx context.Context, in *jobsIn) (*jobsOut, error) {
	var o jobsOut
	rows, err := y.jobs.List(ctx, in.Parked, shown)
	if err != nil {
		return nil, err
	}
	o.Body.Items = make([]jobRow, len(rows))
	for i, r := range rows {
		o.Body.Items[i] = jobRow{r, r.Name}
		if key := "job." + r.Name; y.catalog.Has(key) {
			o.Body.Items[i].Title = y.catalog.Text(web.From(ctx).Lang, key)
		}
	}
	o.Body.Waiting, o.Body.Parked, err = y.jobs.Counts(ctx)
	return &o, err
}

type jobIn struct {
	ID int64 `path:"id"`
}

func (y *System) retry(ctx context.Context, in *jobIn) (*struct{}, error) {
	return y.onJob(ctx, in.ID, "system.job_retry", y.jobs.Retry)
}

func (y *System) drop(ctx context.Context, in *jobIn) (*struct{}, error) {
	return y.onJob(ctx, in.ID, "system.job_drop", y.jobs.Drop)
}

func (y *System) onJob(ctx context.Context, id int64, action string, do func(context.Context, *store.Tx, int64) error) (*struct{}, error) {
	return nil, y.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := do(ctx, tx, id); err != nil {
			return err
		}
		return y.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "job", Detail: map[string]any{"id": id}})
	})
}
