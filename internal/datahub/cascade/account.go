package cascade

import (
	"context"
	"time"

	"qushu/internal/base/store"
)

// Side is one direction of the exchange with a peer, as both sides have stated it.
type Side struct {
	Last    int64 `json:"last" doc:"highest number known"`
	Settled int64 `json:"settled" doc:"every number up to this one is applied or refused"`
	Batches int64 `json:"batches"`
	Waiting int64 `json:"waiting" doc:"made or on the way, without an answer"`
	Refused int64 `json:"refused"`
	Rows    int64 `json:"rows" doc:"stated in the manifests of batches that were applied"`
	Applied int64 `json:"applied" doc:"counted by the receiver in the same batches"`
	Differ  int64 `json:"differ" doc:"of these, with another count or root than was signed"`
}

// Finding is one sentence about who lost what.
type Finding struct {
	Kind  string `json:"kind" enum:"ok,warn,bad"`
	Words string `json:"words"`
	Seq   int64  `json:"seq" doc:"number to send again from, 0 where that does not help"`
}

// Account is what the two sides have told each other, and what is missing (对账).
type Account struct {
	Node     NodeItem    `json:"node"`
	Out      Side        `json:"out"`
	In       Side        `json:"in"`
	Findings []Finding   `json:"findings" nullable:"false"`
	Overdue  []BatchItem `json:"overdue" nullable:"false"`
	Pending  int64       `json:"pending" doc:"entries that wait to be sent"`
	Unasked  int64       `json:"unasked" doc:"entries sent without a receipt"`
	Accepted int64       `json:"accepted"`
	Rejected int64       `json:"rejected"`
}

type accountOut struct{ Body Account }

func (c *Cascade) late(ctx context.Context) store.Time {
	return store.At(c.now().Add(-time.Duration(c.settings.Int(ctx, "cascade.overdue_hours")) * time.Hour))
}

func (c *Cascade) account(ctx context.Context, in *nodeID) (*accountOut, error) {
	n, err := findNode(ctx, c.db, store.C("n.id = $1", in.ID))
	if err != nil {
		return nil, err
	}
	a := Account{Findings: []Finding{}, Overdue: []BatchItem{}}
	items, err := c.items(ctx, []Node{n})
	if err != nil {
		return nil, err
	}
	a.Node = items[0]
	if a.Out, err = side(ctx, c.db, n.ID, "out"); err != nil {
		return nil, err
	}
	if a.In, err = side(ctx, c.db, n.ID, "in"); err != nil {
		return nil, err
	}
	a.Out.Last, a.In.Settled = n.SentSeq, n.RecvSeq
	if err := c.linkFigures(ctx, n, &a); err != nil {
		return nil, err
	}
	late := c.late(ctx)
	old, err := batches(ctx, c.db, store.C("b.node = $1 AND b.ended_at = 0 AND b.made_at < $2", n.ID, late))
	if err != nil {
		return nil, err
	}
	for i := range old {
		a.Overdue = append(a.Overdue, c.item(ctx, &old[i], late))
	}
	if err := c.judge(ctx, n, &a, late); err != nil {
		return nil, err
	}
	return &accountOut{a}, nil
}

// side counts one direction. Settled of what goes out is the number before the first without an answer.
func side(ctx context.Context, q store.Queryer, node, way string) (Side, error) {
	s, err := store.One(ctx, q, func(s *Side) []any {
		return []any{&s.Last, &s.Settled, &s.Batches, &s.Waiting, &s.Refused, &s.Rows, &s.Applied, &s.Differ}
	}, `SELECT coalesce(max(seq), 0), coalesce(min(seq) FILTER (WHERE ended_at = 0), coalesce(max(seq), 0) + 1) - 1, count(*), count(*) FILTER (WHERE ended_at = 0), count(*) FILTER (WHERE state = 'refused'),
		CAST(coalesce(sum(row_count) FILTER (WHERE state IN ('applied', 'acknowledged')), 0) AS BIGINT), CAST(coalesce(sum(applied) FILTER (WHERE state IN ('applied', 'acknowledged')), 0) AS BIGINT),
		count(*) FILTER (WHERE state IN ('applied', 'acknowledged') AND (applied <> row_count OR applied_root <> root))
		FROM cascade_batch WHERE node = $1 AND way = $2`, node, way)
	return s, err
}

func (c *Cascade) linkFigures(ctx context.Context, n Node, a *Account) error {
	type figure struct {
		state string
		n     int64
	}
	all, err := store.All(ctx, c.db, func(f *figure) []any { return []any{&f.state, &f.n} }, `SELECT state, count(*) FROM cascade_link WHERE node = $1 GROUP BY state`, n.ID)
	for _, f := range all {
		switch f.state {
		case statePending:
			a.Pending = f.n
		case stateSent:
			a.Unasked = f.n
		case stateAccepted:
			a.Accepted = f.n
		default:
			a.Rejected = f.n
		}
	}
	return err
}

// judge says in sentences what does not agree, the worst first.
func (c *Cascade) judge(ctx context.Context, n Node, a *Account, late store.Time) error {
	say := func(kind string, seq int64, key string, args ...string) {
		a.Findings = append(a.Findings, Finding{kind, c.say(ctx, Fault{"cascade.found_" + key, args}), seq})
	}
	gaps, err := c.gaps(ctx, n)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		say("bad", 0, "gap", n.Name, text(g[0]), text(g[1]))
	}
	wrong, err := batches(ctx, c.db, store.C("b.node = $1 AND (b.state = 'refused' AND b.tries >= 0 OR b.ended_at = 0 AND CAST(b.fault ->> 'key' AS TEXT) <> '' OR b.state IN ('applied', 'acknowledged') AND (b.applied <> b.row_count OR b.applied_root <> b.root))", n.ID))
	if err != nil {
		return err
	}
	for _, b := range wrong {
		why := c.say(ctx, b.Fault)
		switch {
		case b.State == stateRefused && b.Way == "out":
			say("bad", b.Seq, "refused_there", n.Name, text(b.Seq), why)
		case b.State == stateRefused:
			say("bad", 0, "refused_here", n.Name, text(b.Seq), why)
		case !b.Ended.IsZero():
			say("bad", 0, "differ", text(b.Seq), text(b.Rows), text(b.Applied))
		case b.Way == "out":
			say("warn", b.Seq, "stuck_out", text(b.Seq), text(b.Have), text(b.Chunks), why)
		default:
			say("warn", 0, "stuck_in", n.Name, text(b.Seq), text(b.Have), text(b.Chunks), why)
		}
	}
	for _, b := range a.Overdue {
		if b.Way == "out" && b.State == stateSent {
			say("bad", b.Seq, "no_answer", n.Name, text(b.Seq), text(int64(c.now().Sub(b.Sent.Time).Hours())))
		}
	}
	if n.Damage.Key != "" {
		say("bad", 0, "damage", n.Name, c.say(ctx, n.Damage))
	}
	if n.Failures > 0 {
		say("warn", 0, "unreachable", n.Name, text(n.Failures), c.say(ctx, n.Fault))
	}
	unanswered, err := store.Value[int64](ctx, c.db, `SELECT count(*) FROM cascade_link WHERE node = $1 AND state = 'sent' AND synced_at < $2`, n.ID, late)
	if err != nil {
		return err
	}
	if unanswered > 0 {
		say("bad", 0, "no_receipt", n.Name, text(unanswered))
	}
	if len(a.Findings) == 0 {
		say("ok", 0, "whole", text(a.Out.Settled), text(a.In.Settled))
	}
	return nil
}

// gaps are the ranges of numbers of a node that never came though later ones did.
func (c *Cascade) gaps(ctx context.Context, n Node) ([][2]int64, error) {
	seqs, err := store.Column[int64](ctx, c.db, `SELECT seq FROM cascade_batch WHERE node = $1 AND way = 'in' AND seq > $2 ORDER BY seq LIMIT 10000`, n.ID, n.RecvSeq)
	if err != nil {
		return nil, err
	}
	var out [][2]int64
	next := n.RecvSeq + 1
	for _, s := range seqs {
		if s > next {
			out = append(out, [2]int64{next, s - 1})
		}
		next = s + 1
	}
	return out, nil
}
