package flow

import (
	"context"

	"qushu/internal/base/store"
)

// Given is a reason somebody gave for a deed.
type Given struct {
	Name, Step, Outcome, Reason string
	At                          store.Time
}

// LastReason is the reason given last for a deed of a case, of one verb when it is named; false when none ever was.
func (f *Flow) LastReason(ctx context.Context, q store.Queryer, caseID, verb string) (Given, bool, error) {
	all, err := store.All(ctx, q, func(g *Given) []any { return []any{&g.Name, &g.Step, &g.Outcome, &g.Reason, &g.At} },
		`SELECT s.name, s.step, s.outcome, s.reason, s.at FROM flow_step s WHERE s.case_id = $1 AND s.reason <> '' AND (s.verb = $2 OR $3 = '') ORDER BY s.seq DESC LIMIT 1`, caseID, verb, verb)
	if err != nil || len(all) == 0 {
		return Given{}, false, err
	}
	return all[0], true, nil
}

// Pressing is the earliest limit of the steps a case stands at, none when they have none, and whether any step of it was
// ever late.
func (f *Flow) Pressing(ctx context.Context, q store.Queryer, caseID string) (due store.Time, late bool, err error) {
	if due, err = store.Value[store.Time](ctx, q, `SELECT coalesce(min(k.due_at), 0) FROM flow_task k WHERE k.case_id = $1 AND k.state = 'open' AND k.due_at > 0`, caseID); err != nil {
		return due, false, err
	}
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM flow_step s WHERE s.case_id = $1 AND s.late`, caseID)
	return due, n > 0, err
}
