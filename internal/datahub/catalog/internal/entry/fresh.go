package entry

import "time"

// period is how long data of a cycle stands before the next is due; what has no cycle is never due.
var period = map[string]func(time.Time) time.Time{
	"realtime":  func(t time.Time) time.Time { return t },
	"daily":     func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
	"weekly":    func(t time.Time) time.Time { return t.AddDate(0, 0, 7) },
	"monthly":   func(t time.Time) time.Time { return t.AddDate(0, 1, 0) },
	"quarterly": func(t time.Time) time.Time { return t.AddDate(0, 3, 0) },
	"halfyear":  func(t time.Time) time.Time { return t.AddDate(0, 6, 0) },
	"yearly":    func(t time.Time) time.Time { return t.AddDate(1, 0, 0) },
}

// StaleAt is when data last updated at updated counts as overdue: a cycle and the grace of it later; the zero time when it
// never does.
func StaleAt(cycle string, updated time.Time, grace map[string]time.Duration) time.Time {
	next, ok := period[cycle]
	if !ok || updated.IsZero() {
		return time.Time{}
	}
	return next(updated).Add(grace[cycle])
}
