package jobs

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// While a database is away River says so five times a second; an administrator reads it once a minute.
func TestRepeatedLines(t *testing.T) {
	var out bytes.Buffer
	h := newQuiet(slog.NewTextHandler(&out, nil)).WithAttrs([]slog.Attr{slog.String("x", "y")})
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for i := range 400 { // 80 seconds
		r := slog.NewRecord(at.Add(time.Duration(i)*200*time.Millisecond), slog.LevelError, "Error fetching jobs", 0)
		if err := h.Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Handle(context.Background(), slog.NewRecord(at, slog.LevelWarn, "another", 0)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "times_before=299") || h.Enabled(context.Background(), slog.LevelInfo) {
		t.Error(out.String())
	}
}
