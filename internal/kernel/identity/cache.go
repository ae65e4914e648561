package identity

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"qushu/internal/base/store"
)

// postCache keeps the posts of people as of one epoch of authz, which rises when a post changes. Every request
// reads the epoch, so what is kept is right on every replica.
type postCache struct {
	mu    sync.Mutex
	epoch int64
	kept  map[string]keptPosts
}

type keptPosts struct {
	posts []Post
	at    time.Time
}

// postCacheAge bounds how late a post that begins or ends by its date is noticed.
const postCacheAge = time.Minute

// postCacheSize bounds the memory: about 400 bytes a person.
const postCacheSize = 20_000

func (i *Identity) postsAt(ctx context.Context, person string, epoch int64) ([]Post, error) {
	c := &i.holders
	now := i.Now()
	c.mu.Lock()
	k, ok := c.kept[person]
	age := now.Sub(k.at)
	ok = ok && c.epoch == epoch && age >= 0 && age < postCacheAge
	c.mu.Unlock()
	if ok {
		return k.posts, nil
	}
	posts, err := i.People.Posts(ctx, i.DB, person)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || epoch > c.epoch || len(c.kept) >= postCacheSize {
		c.epoch, c.kept = epoch, map[string]keptPosts{}
	}
	if epoch == c.epoch {
		c.kept[person] = keptPosts{posts, now}
	}
	return posts, nil
}

// marks remember when sessions and tokens were last used. A use is known here at once and written to
// the table within a minute, behind the request: another replica is at most that much behind.
type marks struct {
	mu   sync.Mutex
	all  map[string]*mark
	busy bool // a write is under way
}

type mark struct {
	at, kept time.Time // last use; what the table says
	token    bool
}

// markEvery is how far the table may lag behind.
const markEvery = time.Minute

// last returns the last use known of a session whose row says kept.
func (m *marks) last(id string, kept time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k := m.all[id]; k != nil && k.at.After(kept) {
		return k.at
	}
	return kept
}

// used notes a use, and writes what is due without keeping the caller waiting.
func (m *marks) used(i *Identity, id string, isToken bool, kept, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[string]*mark{}
	}
	k := m.all[id]
	if k == nil {
		k = &mark{token: isToken}
		m.all[id] = k
	}
	if kept.After(k.kept) {
		k.kept = kept
	}
	k.at = now
	if now.Sub(k.kept) >= markEvery && !m.busy {
		m.busy = true
		go i.writeMarks(now)
	}
}

// forgetAfter is longer than any session lives unused.
const forgetAfter = 25 * time.Hour

// writeMarks writes the uses the table is behind of, in one transaction: each session at most twice a minute.
func (i *Identity) writeMarks(now time.Time) {
	m := &i.marks
	sessions, tokens := map[string]time.Time{}, map[string]time.Time{}
	m.mu.Lock()
	for id, k := range m.all {
		switch {
		case k.at.Sub(k.kept) >= markEvery/2 && k.token:
			tokens[id] = k.at
		case k.at.Sub(k.kept) >= markEvery/2:
			sessions[id] = k.at
		case now.Sub(k.at) > forgetAfter:
			delete(m.all, id)
		}
	}
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for id, at := range sessions {
			if err := store.Exec(ctx, tx, `UPDATE identity_session SET seen = $1 WHERE id = $2 AND seen < $3`, store.At(at), id, store.At(at)); err != nil {
				return err
			}
		}
		for id, at := range tokens {
			if err := store.Exec(ctx, tx, `UPDATE identity_token SET used = $1 WHERE id = $2 AND used < $3`, store.At(at), id, store.At(at)); err != nil {
				return err
			}
		}
		return nil
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = false
	if err != nil {
		slog.Warn("the last use of sessions was not written", "error", err)
		return
	}
	for _, written := range []map[string]time.Time{sessions, tokens} {
		for id, at := range written {
			if k := m.all[id]; k != nil {
				k.kept = at
			}
		}
	}
}
