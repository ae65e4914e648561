// Package deliver puts what a grant shows where its receiver wants it: a file in a folder, a file on an SFTP server, rows in a
// table of PostgreSQL or MySQL. What is under way is never seen half: a file has another name until it is whole, and rows are
// written in one transaction.
package deliver

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

// Target is where to.
type Target struct {
	Kind        string   `json:"kind" enum:"folder,sftp,postgres,mysql"`
	Host        string   `json:"host" required:"false" maxLength:"200"`
	Port        int      `json:"port" required:"false" minimum:"0" maximum:"65535"`
	User        string   `json:"user" required:"false" maxLength:"64"`
	Fingerprint string   `json:"fingerprint" required:"false" maxLength:"100" doc:"of the SSH host key, SHA256:…, as ssh-keygen -lf prints it"`
	Path        string   `json:"path" required:"false" maxLength:"300" doc:"folder, below the root that is set, or on the SFTP server"`
	Database    string   `json:"database" required:"false" maxLength:"64"`
	Table       string   `json:"table" required:"false" maxLength:"130" doc:"of the receiver, with its schema if need be"`
	Keys        []string `json:"keys" required:"false" nullable:"false" maxItems:"16" doc:"columns that tell its rows apart; they carry a unique index there"`
}

// Schedule is when.
type Schedule struct {
	Kind    string `json:"kind" enum:"manual,daily,weekly,hours,version"`
	Hour    int    `json:"hour" required:"false" minimum:"0" maximum:"23"`
	Minute  int    `json:"minute" required:"false" minimum:"0" maximum:"59"`
	Weekday int    `json:"weekday" required:"false" minimum:"0" maximum:"6" doc:"0 is Sunday"`
	Every   int    `json:"every" required:"false" minimum:"0" maximum:"168" doc:"hours"`
}

// Plan is one delivery as it was set up.
type Plan struct {
	Target   Target   `json:"target"`
	Schedule Schedule `json:"schedule"`
	Format   string   `json:"format" required:"false" enum:",csv,xlsx" doc:"of files"`
}

var identifier = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_$]{0,62}$`)

// Faults says what is wrong with a plan.
func (p *Plan) Faults(columns []string) []errs.Field {
	var bad []errs.Field
	fail := func(name, key string, args ...any) {
		bad = append(bad, errs.Field{Name: name, Key: "exchange." + key, Args: args})
	}
	t := &p.Target
	if t.Kind != "folder" {
		if t.Host == "" || strings.ContainsAny(t.Host, " /\\@?#\n") {
			fail("host", "target_host")
		}
		if t.User == "" {
			fail("user", "target_user")
		}
	}
	switch t.Kind {
	case "folder", "sftp":
		if p.Format != "csv" && p.Format != "xlsx" {
			fail("format", "target_format")
		}
		if t.Kind == "sftp" && !strings.HasPrefix(t.Fingerprint, "SHA256:") {
			fail("fingerprint", "target_fingerprint")
		}
		if clean := path.Clean("/" + t.Path); strings.Contains(t.Path, "..") || strings.ContainsAny(t.Path, "\\\x00") || t.Kind == "folder" && clean == "/" && t.Path != "" {
			fail("path", "target_path")
		}
	case "postgres", "mysql":
		if t.Database == "" {
			fail("database", "target_database")
		}
		parts := strings.Split(t.Table, ".")
		for _, s := range parts {
			if !identifier.MatchString(s) || len(parts) > 2 {
				fail("table", "target_table")
				break
			}
		}
		if len(t.Keys) == 0 {
			fail("keys", "target_keys")
		}
		for _, k := range t.Keys {
			if !slices.Contains(columns, k) {
				fail("keys", "no_item", k)
			}
		}
	default:
		fail("kind", "target_kind")
	}
	if p.Schedule.Kind == "hours" && p.Schedule.Every < 1 {
		fail("every", "target_every")
	}
	return bad
}

// Next is when a schedule comes due after a moment, in civil time; the zero time for one that waits for something else.
func (s Schedule) Next(after time.Time) time.Time {
	at := after.In(when.Zone)
	day := time.Date(at.Year(), at.Month(), at.Day(), s.Hour, s.Minute, 0, 0, when.Zone)
	switch s.Kind {
	case "hours":
		return after.Add(time.Duration(max(1, s.Every)) * time.Hour)
	case "daily":
		for !day.After(after) {
			day = day.AddDate(0, 0, 1)
		}
		return day
	case "weekly":
		for !day.After(after) || int(day.Weekday()) != s.Weekday {
			day = day.AddDate(0, 0, 1)
		}
		return day
	}
	return time.Time{}
}
