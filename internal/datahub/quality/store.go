package quality

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/quality/internal/check"
	"qushu/internal/datahub/quality/internal/profile"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Rule is a rule over one dataset as kept.
type Rule struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	Body     check.Rule `json:"body"`
	Weight   int64      `json:"weight" doc:"1 to 100: how much it counts within its dimension"`
	Blocking bool       `json:"blocking" doc:"a new version with a row that fails is not published"`
	State    string     `json:"state" enum:"proposed,active,off"`
	Origin   string     `json:"origin" enum:"program,person"`
	By       string     `json:"by" doc:"who decided on it last"`
	At       store.Time `json:"at"`
	Version  int64      `json:"version" doc:"to be sent back with a change"`

	dataset string
}

const ruleColumns = `r.id, r.dataset_id, r.title, r.body, r.weight, r.blocking, r.state, r.origin, r.by_name, r.at, r.version`

func scanRule(r *Rule) []any {
	return []any{&r.ID, &r.dataset, &r.Title, store.Into[check.Rule]{&r.Body}, &r.Weight, &r.Blocking, &r.State, &r.Origin, &r.By, &r.At, &r.Version}
}

func rulesOf(ctx context.Context, q store.Queryer, dataset string) ([]Rule, error) {
	return store.All(ctx, q, scanRule, `SELECT `+ruleColumns+` FROM quality_rule r WHERE r.dataset_id = $1 ORDER BY r.at, r.id`, dataset)
}

func findRule(ctx context.Context, q store.Queryer, dataset, id string) (Rule, error) {
	r, err := store.One(ctx, q, scanRule, `SELECT `+ruleColumns+` FROM quality_rule r WHERE r.dataset_id = $1 AND r.id = $2`, dataset, id)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "quality.no_rule")
	}
	return r, err
}

func insertRule(ctx context.Context, tx *store.Tx, r Rule) error {
	return store.Exec(ctx, tx, `INSERT INTO quality_rule (id, dataset_id, title, body, weight, blocking, state, origin, by_name, at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)`,
		r.ID, r.dataset, r.Title, store.JSON[check.Rule]{V: r.Body}, r.Weight, r.Blocking, r.State, r.Origin, r.By, r.At)
}

func saveRule(ctx context.Context, tx *store.Tx, r Rule) error {
	return store.ExecOne(ctx, tx, `UPDATE quality_rule SET title = $1, body = $2, weight = $3, blocking = $4, state = $5, origin = $6, by_name = $7, at = $8, version = version + 1 WHERE id = $9 AND version = $10`,
		r.Title, store.JSON[check.Rule]{V: r.Body}, r.Weight, r.Blocking, r.State, r.Origin, r.By, r.At, r.ID, r.Version)
}

// Check is one look at every row of a version.
type Check struct {
	ID      string           `json:"id"`
	Number  int64            `json:"number" doc:"of the version that was looked at"`
	State   string           `json:"state" enum:"queued,running,done,failed,cancelled"`
	Why     string           `json:"why" doc:"why it failed, in the caller's language"`
	Rows    int64            `json:"rows"`
	Done    int64            `json:"done" doc:"rows so far"`
	Score   int64            `json:"score" doc:"hundredths; -1 when nothing could be assessed"`
	Grade   string           `json:"grade" enum:",best,good,fair,poor"`
	Parts   []check.Part     `json:"parts" nullable:"false"`
	Found   []check.Found    `json:"found" nullable:"false"`
	Profile []profile.Column `json:"-"`
	At      store.Time       `json:"at"`
	Ended   store.Time       `json:"endedAt"`

	dataset, version string
}

const checkColumns = `k.id, k.dataset_id, k.version_id, k.number, k.state, k.why, k.rows_n, k.done, k.score, k.grade, k.parts, k.found, k.profile, k.at, k.ended_at`

func scanCheck(k *Check) []any {
	return []any{&k.ID, &k.dataset, &k.version, &k.Number, &k.State, &k.Why, &k.Rows, &k.Done, &k.Score, &k.Grade, store.Into[[]check.Part]{&k.Parts}, store.Into[[]check.Found]{&k.Found}, store.Into[[]profile.Column]{&k.Profile}, &k.At, &k.Ended}
}

func findCheck(ctx context.Context, q store.Queryer, id string) (Check, error) {
	return store.One(ctx, q, scanCheck, `SELECT `+checkColumns+` FROM quality_check k WHERE k.id = $1`, id)
}

// checksOf returns the newest checks of a dataset, newest first, without their profiles.
func checksOf(ctx context.Context, q store.Queryer, dataset string, limit int) ([]Check, error) {
	return store.All(ctx, q, scanCheck, `SELECT `+strings.Replace(checkColumns, "k.profile", "'[]'", 1)+` FROM quality_check k WHERE k.dataset_id = $1 ORDER BY k.at DESC, k.id DESC LIMIT $2`, dataset, limit)
}

func insertCheck(ctx context.Context, tx *store.Tx, k Check) error {
	return store.Exec(ctx, tx, `INSERT INTO quality_check (id, dataset_id, version_id, number, state, rows_n, at, beat_at) VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7)`,
		k.ID, k.dataset, k.version, k.Number, k.Rows, k.At, store.At(time.Now()))
}

// beatCheck says how far a check is; Conflict when it is no longer to run.
func beatCheck(ctx context.Context, q store.Queryer, id string, done int64) error {
	return store.ExecOne(ctx, q, `UPDATE quality_check SET state = 'running', done = $1, beat_at = $2 WHERE id = $3 AND ended_at = 0`, done, store.At(time.Now()), id)
}

func endCheck(ctx context.Context, tx *store.Tx, k Check) error {
	return store.ExecOne(ctx, tx, `UPDATE quality_check SET state = $1, why = $2, done = $3, score = $4, grade = $5, parts = $6, found = $7, profile = $8, ended_at = $9 WHERE id = $10 AND ended_at = 0`,
		k.State, k.Why, k.Done, k.Score, k.Grade, store.JSON[[]check.Part]{V: k.Parts}, store.JSON[[]check.Found]{V: k.Found}, store.JSON[[]profile.Column]{V: k.Profile}, k.Ended, k.ID)
}

// Line is how one dataset stands.
type Line struct {
	Dataset  string     `json:"dataset"`
	Title    string     `json:"title"`
	Unit     string     `json:"unit"`
	UnitName string     `json:"unitName"`
	Score    int64      `json:"score" doc:"hundredths; -1 when nothing could be assessed"`
	Grade    string     `json:"grade" enum:",best,good,fair,poor"`
	Rules    int64      `json:"rules" doc:"in force"`
	Failing  int64      `json:"failing" doc:"rules with a row that fails"`
	Rows     int64      `json:"rows"`
	At       store.Time `json:"at" doc:"of the newest check; null when there was none"`

	street, owner, check string
}

const lineColumns = `s.dataset_id, s.title, s.unit_id, s.street, s.owner, s.check_id, s.score, s.grade, s.rules, s.failing, s.rows_n, s.at`

func scanLine(l *Line) []any {
	return []any{&l.Dataset, &l.Title, &l.Unit, &l.street, &l.owner, &l.check, &l.Score, &l.Grade, &l.Rules, &l.Failing, &l.Rows, &l.At}
}

func lineScope(ctx context.Context, perm string) store.Scope {
	return authz.WhereCols(ctx, perm, authz.Cols{Unit: "s.unit_id", Street: "s.street", Owner: "s.owner"})
}

// saveLine writes how a dataset stands.
func saveLine(ctx context.Context, tx *store.Tx, ds dataset.Dataset, k Check, rules, failing int64) error {
	return store.Exec(ctx, tx, `INSERT INTO quality (dataset_id, title, unit_id, street, owner, check_id, score, grade, rules, failing, rows_n, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (dataset_id) DO UPDATE SET title = excluded.title, unit_id = excluded.unit_id, street = excluded.street, owner = excluded.owner, check_id = excluded.check_id, score = excluded.score,
		grade = excluded.grade, rules = excluded.rules, failing = excluded.failing, rows_n = excluded.rows_n, at = excluded.at`,
		ds.ID, ds.Title, ds.Unit, ds.Street, ds.Owner, k.ID, k.Score, k.Grade, rules, failing, k.Rows, k.Ended)
}
