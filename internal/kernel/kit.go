// Package kernel puts the floor together: the services every room may hold, and the house in which
// rooms are checked, migrated, mounted and started.
package kernel

import (
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/settings"
)

// Base is what stands before the kernel: opened stores, keys and the clock.
type Base struct {
	DB   *store.DB
	Ring *secret.Ring
	Now  func() time.Time
}

// Kit is what a room may take into its own struct. A room holds only the fields it needs.
type Kit struct {
	Base
	Jobs     *jobs.Client
	Bus      *bus.Bus
	Audit    *audit.Log
	Settings *settings.Settings
}

// NewKit makes the kernel's services over base.
func NewKit(b Base) *Kit {
	if b.Now == nil {
		b.Now = time.Now
	}
	k := &Kit{Base: b, Jobs: jobs.New(b.DB)}
	k.Bus = bus.New(k.Jobs)
	k.Audit = audit.NewLog(b.DB, b.Ring, k.Jobs, b.Now)
	k.Settings = settings.New(b.DB, k.Audit, k.Bus, b.Now)
	return k
}
