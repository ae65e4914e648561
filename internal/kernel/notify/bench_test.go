package notify_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/notify"
)

// BenchmarkSend tells ten thousand people in one transaction; it holds SQLite's writer for so long.
func BenchmarkSend(b *testing.B) {
	db, err := store.Open(b.Context(), "", filepath.Join(b.TempDir(), "q.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	n := notify.New(db, nil, time.Now)
	if err := db.Migrate(b.Context(), "notify", n.Room().Schema); err != nil {
		b.Fatal(err)
	}
	people := make([]string, 10_000)
	for i := range people {
		people[i] = fmt.Sprintf("p%025d", i)
	}
	for b.Loop() {
		err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
			return n.Send(ctx, tx, notify.Notice{To: people, Text: "关于做好防汛工作的通知", Object: "desk_notice", ID: "n1", Link: "/desk/notices/n1", Must: true})
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
