package identity

import (
	"regexp"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/room"
)

// account is one row of identity_account.
type account struct {
	ID, Login, Name, Find, Person, Unit string
	Admin                               room.Admin
	Service                             bool

	Hash       string // "" until activated
	MustChange bool
	ChangedAt  store.Time

	tries
	ManualLock bool

	Disabled    bool
	DisabledFor string
	Waiting     bool       // a new administrator or program, not approved yet
	LastAt      store.Time // last sign-in
	ActiveAt    store.Time // what dormancy is counted from
	CreatedAt   store.Time

	TOTP       string // sealed, "" for none
	TOTPStep   int64
	TOTPWanted bool // he once bound one, so after a lost phone he binds again

	Code      string
	CodeUntil store.Time

	AskedBy, AskedName, AskedWhy string // a new code that waits for a second person
	AskedAt                      store.Time

	Version int64
}

// Step is what the way in asks for next.
type Step string

// The steps, in this order. A session in any but Done is nobody to the rest of the program.
const (
	StepTOTP   Step = "totp"   // show the second factor
	StepChange Step = "change" // choose a new password
	StepEnroll Step = "enroll" // bind a second factor
	StepDone   Step = "done"
)

// next says what a who has shown his password must do before he is let in; proved means that he has
// shown his second factor too.
func (a *account) next(r rules, proved bool, now time.Time) Step {
	switch {
	case a.TOTP != "" && !proved:
		return StepTOTP
	case a.MustChange || a.daysLeft(r, now) == 0:
		return StepChange
	case a.TOTP == "" && a.needsTOTP(r):
		return StepEnroll
	}
	return StepDone
}

func (a *account) needsTOTP(r rules) bool {
	return a.TOTPWanted || r.totp == "all" || r.totp == "admins" && a.Admin != ""
}

// daysLeft counts the begun days until the password expires: 0 when it has, -1 when it never does.
func (a *account) daysLeft(r rules, now time.Time) int {
	if r.maxAge == 0 || a.ChangedAt.IsZero() {
		return -1
	}
	left := a.ChangedAt.AddDate(0, 0, r.maxAge).Sub(now)
	if left <= 0 {
		return 0
	}
	return int((left + 24*time.Hour - 1) / (24 * time.Hour))
}

// who is the subject of an account: its person, or the account itself when it has none.
func (a *account) who() string {
	if a.Person != "" {
		return a.Person
	}
	return a.ID
}

// shut says why an account may not be used, nil when it may. It is told only to who has shown the password.
func (a *account) shut() error {
	switch {
	case a.Waiting:
		return errs.New(errs.Denied, "identity.waiting")
	case a.Disabled:
		return errs.New(errs.Denied, "identity.disabled", a.DisabledFor)
	}
	return nil
}

// State is an account's state for lists.
func (a *account) state(now time.Time) string {
	switch {
	case a.Waiting:
		return "waiting"
	case a.Disabled:
		return "disabled"
	case a.ManualLock || a.LockedUntil.After(now):
		return "locked"
	case a.Hash == "" && !a.Service:
		return "new"
	}
	return "active"
}

// tries counts failures: within a window from the first of them, up to a limit, then a lock.
type tries struct {
	Failed      int
	FailedAt    store.Time // of the first counted
	LockedUntil store.Time
}

// reserve counts an attempt as failed before it is made, so that a hundred at once are no more than the
// limit allows; whoever succeeds takes it back. It refuses while locked.
func (t *tries) reserve(now time.Time, most int, window time.Duration) error {
	if t.LockedUntil.After(now) {
		return locked(t.LockedUntil.Sub(now))
	}
	if !t.LockedUntil.IsZero() || now.Sub(t.FailedAt.Time) >= window {
		*t = tries{}
	}
	if t.Failed >= most {
		return locked(t.FailedAt.Add(window).Sub(now))
	}
	if t.Failed == 0 {
		t.FailedAt = store.At(now)
	}
	t.Failed++
	return nil
}

// release takes one reserved attempt back.
func (t *tries) release() { t.Failed = max(0, t.Failed-1) }

// failed ends a reserved attempt that was wrong, and reports whether it was the last allowed.
func (t *tries) failed(now time.Time, most int, lock time.Duration) bool {
	if t.Failed < most {
		return false
	}
	t.LockedUntil = store.At(now.Add(lock))
	return true
}

func locked(left time.Duration) error {
	return errs.New(errs.Limited, "identity.locked", max(1, int((left+time.Minute-1)/time.Minute)))
}

// reserve is tries.reserve for an account; an administrator waits for the security administrator.
func (a *account) reserve(now time.Time, r rules) error {
	if a.ManualLock {
		return errs.New(errs.Denied, "identity.locked_manual")
	}
	return a.tries.reserve(now, r.maxFailures(a.Admin), r.window)
}

// fails is tries.failed for an account.
func (a *account) fails(now time.Time, r rules) (isLocked bool, err error) {
	if !a.tries.failed(now, r.maxFailures(a.Admin), r.lock) {
		return false, nil
	}
	if a.Admin != "" {
		a.tries, a.ManualLock = tries{}, true
		return true, errs.New(errs.Denied, "identity.locked_manual")
	}
	return true, locked(r.lock)
}

func (a *account) unlock() { a.tries, a.ManualLock = tries{}, false }

// subject is what the account's password must not contain. Initials are too short to count.
func (a *account) subject(p Person) secret.Person {
	s := secret.Person{Admin: a.Admin != "", Login: a.Login, Phone: p.Phone, Names: []string{a.Name, p.Name}, Units: p.Units}
	for _, w := range p.Words {
		if len(w) >= 4 {
			s.Names = append(s.Names, w)
		}
	}
	return s
}

// loginText: letters of any script, digits and . _ - @, since 张三 may sign in as 张三.
var loginText = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@-]{1,63}$`)

// loginKey is what a login is compared by: case does not matter, nor do spaces around it.
func loginKey(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

func checkLogin(login string) error {
	if !loginText.MatchString(strings.TrimSpace(login)) {
		return errs.New(errs.Invalid, "identity.bad_login", login)
	}
	return nil
}

// findText is what the list's search looks in.
func findText(login, name string, words []string) string {
	return strings.ToLower(strings.Join(append([]string{login, name}, words...), " "))
}

// kindOf tells a phone from a PC by the browser's words; each has a limit of its own.
func kindOf(agent string) string {
	for _, w := range [...]string{"Mobi", "Android", "iPhone", "iPad", "HarmonyOS"} {
		if strings.Contains(agent, w) {
			return "mobile"
		}
	}
	return "pc"
}

// deviceOf names browser and system as a person would: "Edge · Windows".
func deviceOf(agent string) string {
	first := func(pairs [][2]string) string {
		for _, p := range pairs {
			if strings.Contains(agent, p[0]) {
				return p[1]
			}
		}
		return ""
	}
	browser := first([][2]string{{"MicroMessenger", "WeChat"}, {"Edg", "Edge"}, {"Firefox", "Firefox"}, {"HuaweiBrowser", "Huawei"}, {"Chrome", "Chrome"}, {"Safari", "Safari"}})
	system := first([][2]string{{"HarmonyOS", "HarmonyOS"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}})
	switch {
	case browser != "" && system != "":
		return browser + " · " + system
	case browser+system != "":
		return browser + system
	}
	name, _, _ := strings.Cut(agent, "/")
	return string([]rune(name)[:min(len([]rune(name)), 40)])
}
