package kernel

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/secret"
	"qushu/internal/base/when"
	"qushu/internal/kernel/system"
)

// keyYear is how old a field key may grow before it is time for a new one. GB/T 39786-2021 asks for a limited life
// without a figure; a year is common practice.
const keyYear = 365 * 24 * time.Hour

// keyCheck looks at the age of the key that seals columns, and for older ones that wait to be retired.
func (k *Kit) keyCheck(context.Context) system.Finding {
	var old []string
	var current secret.KeyInfo
	for _, key := range k.Ring.Keys() {
		if key.Purpose != secret.Field {
			continue
		}
		if key.Current {
			current = key
		} else {
			old = append(old, key.ID)
		}
	}
	age := k.Now().Sub(current.Made)
	args := []any{when.FormatDate(current.Made), max(0, int(age/(24*time.Hour)))}
	switch {
	case age > keyYear:
		return system.Finding{State: system.Warn, Key: "system.keys_old", Args: args}
	case len(old) > 0:
		return system.Finding{State: system.Warn, Key: "system.keys_left", Args: []any{strings.Join(old, " ")}}
	}
	return system.Finding{State: system.OK, Key: "system.keys_ok", Args: args}
}

// noticeDue is when the State Council has usually published next year's days off.
const noticeDue = 15 // of November

// calendarCheck looks whether the days off of this year, and late in the year of the next, are known: limits in workdays count on them.
func (k *Kit) calendarCheck(context.Context) system.Finding {
	days, now := k.Settings.Days(), k.Now().In(when.Zone)
	next := now.AddDate(1, 0, 0)
	switch {
	case !days.Covers(now):
		return system.Finding{State: system.Bad, Key: "system.calendar_missing", Args: []any{now.Year()}}
	case !days.Covers(next) && (now.Month() == time.December || now.Month() == time.November && now.Day() >= noticeDue):
		return system.Finding{State: system.Warn, Key: "system.calendar_next", Args: []any{next.Year()}}
	}
	known := days.Years()
	return system.Finding{State: system.OK, Key: "system.calendar_ok", Args: []any{known[len(known)-1]}}
}

// storeChecks look whether files and datasets can be reached: the one writes and reads a few bytes, the
// other asks the engine what it holds.
func (k *Kit) storeChecks() []system.Check {
	out := []system.Check{{Name: "keys", Run: k.keyCheck}}
	if k.Blobs != nil {
		out = append(out, system.Check{Name: "files", Run: func(ctx context.Context) system.Finding {
			ref, err := k.Blobs.Put(ctx, strings.NewReader("qushu doctor\n"), 0)
			if err == nil {
				_, err = k.Blobs.Stat(ctx, ref.Hash)
			}
			if err != nil {
				return system.Finding{State: system.Bad, Key: "system.files_away", Args: []any{err}}
			}
			return system.Finding{State: system.OK, Key: "system.files_ok"}
		}})
	}
	if k.Warehouse != nil {
		out = append(out, system.Check{Name: "warehouse", Run: func(ctx context.Context) system.Finding {
			s, err := k.Warehouse.Stats(ctx)
			if err != nil {
				return system.Finding{State: system.Bad, Key: "system.warehouse_away", Args: []any{err}}
			}
			return system.Finding{State: system.OK, Key: "system.warehouse_ok", Args: []any{s.Versions, s.Rows, s.File >> 20, s.Memory >> 20}}
		}})
	}
	return out
}
