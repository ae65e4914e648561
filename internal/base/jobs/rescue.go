package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"qushu/internal/base/store"
)

// rescueEvery is how often a replica looks for jobs of dead ones.
const rescueEvery = 15 * time.Second

// watch takes over what dead clients were at, and keeps up the sign that this one lives, until ctx ends. River itself would wait for
// two hours, the longest a job may take.
func (c *Client) watch(ctx context.Context, sign *store.Presence) {
	defer close(c.watched)
	for {
		err := sign.Lives(ctx)
		if err != nil && ctx.Err() == nil {
			sign.End(ctx)
			if sign, err = c.db.Present(ctx, c.cfg.ID); err != nil {
				sign = &store.Presence{}
			}
		}
		if err == nil {
			err = c.rescue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "jobs: what dead replicas left could not be taken over", "error", err)
		}
		select {
		case <-ctx.Done():
			sign.End(ctx)
			return
		case <-time.After(rescueEvery):
		}
	}
}

// rescue makes the jobs that dead clients were running available again: they run once more, as after any failure.
func (c *Client) rescue(ctx context.Context) error {
	running, err := c.river.JobList(ctx, river.NewJobListParams().States(rivertype.JobStateRunning).First(10_000))
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	dead := map[string]bool{c.cfg.ID: false}
	for _, j := range running.Jobs {
		if len(j.AttemptedBy) == 0 {
			continue
		}
		by := j.AttemptedBy[len(j.AttemptedBy)-1]
		if _, asked := dead[by]; !asked {
			if dead[by], err = c.db.Absent(ctx, by); err != nil {
				return err
			}
		}
		if !dead[by] {
			continue
		}
		if err := store.Exec(ctx, c.db, `UPDATE river_job SET state = 'available' WHERE id = $1 AND CAST(state AS TEXT) = 'running' AND attempt = $2`, j.ID, j.Attempt); err != nil {
			return err
		}
		slog.InfoContext(ctx, "jobs: taken over from a replica that died", "job", j.Kind, "id", j.ID)
	}
	return nil
}
