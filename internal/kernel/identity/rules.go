package identity

import (
	"context"
	"time"

	"qushu/internal/base/secret"
	"qushu/internal/room"
)

// totpRequired is the one setting whose values are words.
const totpRequired = "identity.totp_required"

// declaredSettings are the rules with the defaults for level 3 (GB/T 22239-2019 8.1.4.1). All belong to
// the security administrator.
func declaredSettings() []room.Setting {
	n := func(name string, def, least, most int) room.Setting {
		return room.Setting{Name: name, Default: def, Min: least, Max: most, Admin: room.Security}
	}
	return []room.Setting{
		n("password_min", 8, 6, 64),
		n("admin_password_min", 12, 8, 64),
		n("password_classes", 3, 1, 4),
		{Name: "password_weak_list", Default: true, Admin: room.Security},
		{Name: "password_deny_names", Default: true, Admin: room.Security},
		n("password_history", 5, 0, 24),
		n("password_days", 90, 0, 3650),
		n("password_warn_days", 7, 0, 60),
		n("lock_failures", 5, 1, 100),
		n("admin_lock_failures", 3, 1, 100),
		n("lock_window_minutes", 10, 1, 1440),
		n("lock_minutes", 30, 1, 1440),
		n("ip_failures", 50, 1, 100000),
		n("idle_minutes", 30, 1, 1440),
		n("admin_idle_minutes", 15, 1, 1440),
		n("absolute_hours", 12, 1, 168),
		n("max_pc", 1, 1, 20),
		n("max_mobile", 1, 1, 20),
		{Name: "totp_required", Default: "admins", Admin: room.Security},
		n("activation_hours", 72, 1, 720),
		n("dormant_days", 90, 0, 3650),
		n("token_days", 365, 1, 3650),
	}
}

// rules are the settings in force.
type rules struct {
	secret.Policy
	history, maxAge, warn     int // passwords, days, days
	failures, adminFailures   int
	window, lock              time.Duration
	ipFailures                int
	idle, adminIdle, absolute time.Duration
	maxPC, maxMobile          int
	totp                      string // admins, all or none
	activation                time.Duration
	dormant                   int // days, 0 for never
	tokenDays                 int
}

func (i *Identity) rules(ctx context.Context) rules {
	n := func(name string) int { return i.Settings.Int(ctx, "identity."+name) }
	minutes := func(name string) time.Duration { return time.Duration(n(name)) * time.Minute }
	return rules{
		Policy: secret.Policy{MinLen: n("password_min"), AdminMinLen: n("admin_password_min"), Classes: n("password_classes"),
			WeakList: i.Settings.Bool(ctx, "identity.password_weak_list"), DenyContains: i.Settings.Bool(ctx, "identity.password_deny_names")},
		history: n("password_history"), maxAge: n("password_days"), warn: n("password_warn_days"),
		failures: n("lock_failures"), adminFailures: n("admin_lock_failures"), window: minutes("lock_window_minutes"), lock: minutes("lock_minutes"),
		ipFailures: n("ip_failures"),
		idle:       minutes("idle_minutes"), adminIdle: minutes("admin_idle_minutes"), absolute: time.Duration(n("absolute_hours")) * time.Hour,
		maxPC: n("max_pc"), maxMobile: n("max_mobile"), totp: i.Settings.String(ctx, totpRequired),
		activation: time.Duration(n("activation_hours")) * time.Hour, dormant: n("dormant_days"), tokenDays: n("token_days"),
	}
}

func (r rules) maxFailures(a room.Admin) int {
	if a != "" {
		return r.adminFailures
	}
	return r.failures
}

// weaker lists the settings that stand below the level-3 defaults, for the self-check.
func (r rules) weaker() []string {
	d := secret.DefaultPolicy()
	var out []string
	for _, c := range []struct {
		name string
		weak bool
	}{
		{"password_min", r.MinLen < d.MinLen}, {"admin_password_min", r.AdminMinLen < d.AdminMinLen}, {"password_classes", r.Classes < d.Classes},
		{"password_weak_list", !r.WeakList}, {"password_deny_names", !r.DenyContains}, {"password_history", r.history < 5},
		{"password_days", r.maxAge == 0 || r.maxAge > 90}, {"lock_failures", r.failures > 5}, {"admin_lock_failures", r.adminFailures > 3},
		{"lock_window_minutes", r.window < 10*time.Minute}, {"lock_minutes", r.lock < 30*time.Minute}, {"ip_failures", r.ipFailures > 50},
		{"idle_minutes", r.idle > 30*time.Minute}, {"admin_idle_minutes", r.adminIdle > 15*time.Minute}, {"absolute_hours", r.absolute > 12*time.Hour},
		{"max_pc", r.maxPC > 1}, {"max_mobile", r.maxMobile > 1}, {"totp_required", r.totp == "none"}, {"dormant_days", r.dormant == 0 || r.dormant > 90},
	} {
		if c.weak {
			out = append(out, "identity."+c.name)
		}
	}
	return out
}
