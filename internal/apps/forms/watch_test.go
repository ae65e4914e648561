package forms

import (
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
)

// told counts a person's messages of a key.
func told(t *testing.T, e *kerneltest.Env, key string) int {
	t.Helper()
	n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM notify WHERE key = $1`, key)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// job runs one of the room's jobs now.
func job(t *testing.T, e *kerneltest.Env, name string) {
	t.Helper()
	for _, r := range e.Rooms {
		for _, j := range r.Jobs {
			if j.Name != name {
				continue
			}
			if err := j.Run(t.Context(), []byte("{}")); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no job", name)
}

// A room nobody comes to is free for others after a quarter of an hour, and not before.
func TestNobodyComes(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		zhang, li := person(t, e, "zhang"), person(t, e, "li")
		body := `{"data":` + meeting(resource(t, e, "meetingroom", "r305"), "09:00", "12:00") + `}`
		e.Run(t, []kerneltest.Case{
			{Name: "zhang books", As: zhang, Call: "POST /api/forms/apps/meetingroom/entries", Body: body, Status: 200},
			{Name: "li cannot", As: li, Call: "POST /api/forms/apps/meetingroom/entries", Body: body, Status: 409},
		})
		e.Move(96*time.Hour + 14*time.Minute) // 5 June, 09:14
		watch := func() {
			t.Helper()
			job(t, e, "forms.free")
		}
		watch()
		e.Run(t, []kerneltest.Case{{Name: "not yet", As: li, Call: "POST /api/forms/apps/meetingroom/entries", Body: body, Status: 409}})
		e.Move(2 * time.Minute)
		watch()
		watch()
		e.Run(t, []kerneltest.Case{{Name: "free", As: li, Call: "POST /api/forms/apps/meetingroom/entries", Body: body, Status: 200}})
		if n := told(t, e, "forms.freed"); n != 1 {
			t.Errorf("%d messages", n)
		}
	})
}

// A reminder is sent once, also when the clock stood still over its time.
func TestReminder(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		zhang := person(t, e, "zhang")
		filed(t, e, zhang, "meetingroom", meeting(resource(t, e, "meetingroom", "r305"), "09:00", "12:00"))
		remind := func(want int) {
			t.Helper()
			job(t, e, "forms.remind")
			if n := told(t, e, "forms.reminder"); n != want {
				t.Errorf("%d messages, want %d", n, want)
			}
		}
		remind(0)
		e.Move(100 * time.Hour)
		remind(1)
		remind(1)
	})
}
