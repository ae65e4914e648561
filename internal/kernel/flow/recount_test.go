package flow_test

import (
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// The days off of a year come after cases that reach into it have begun: their clocks are reckoned anew, once, and say so.
func TestDaysOffEntered(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain(), flow.Limit{N: 5, Unit: when.WorkDay})
		e.Move(time.Date(2026, 12, 28, 9, 0, 0, 0, when.Zone).Sub(e.Kit.Now()))
		c := o.begin("zhang", "m1", `{"amount":10}`)
		late := o.begin("zhang", "m2", `{"amount":10}`)
		o.must("chief", late.ID, `{"verb":"suspend","reason":"等预算"}`, 200, "suspended")
		if got := c.Due.In(when.Zone).Format("01-02 15"); got != "01-04 09" {
			t.Fatalf("by weekends alone it is due %s", got)
		}
		fires := func(id string) string {
			n, err := store.Value[int64](t.Context(), e.Kit.DB, `SELECT at FROM flow_timer WHERE case_id = $1 AND kind = 'case'`, id)
			if err != nil {
				t.Fatal(err)
			}
			return time.UnixMicro(n).In(when.Zone).Format("01-02 15")
		}
		enter := func(version int, holidays string, status int, want string) {
			t.Helper()
			body := `{"holidays":` + holidays + `,"workdays":{},"reason":"国办发明电〔2026〕号","version":` + string(rune('0'+version)) + `}`
			if s, b := o.Call(t, kerneltest.Case{As: e.Administrator(room.System), Call: "PUT /api/settings/calendar/2027", Body: body}); s != status || !strings.Contains(b, want) {
				t.Fatalf("%d %s", s, b)
			}
		}
		if s, _ := o.Call(t, kerneltest.Case{As: o.people["chief"], Call: "PUT /api/settings/calendar/2027", Body: `{"holidays":{"2027-01-01":"元旦"},"workdays":{},"reason":"试一试","version":0}`}); s != 403 {
			t.Error("anybody enters days off:", s)
		}
		e.Move(time.Minute)
		enter(0, `{"2027-01-01":"元旦","2028-05-01":"劳动节"}`, 422, "2028-05-01")
		enter(0, `{"2027-01-01":"元旦","2027-01-02":"元旦","2027-01-03":"元旦"}`, 200, "entered")
		enter(0, `{"2027-01-01":"元旦"}`, 409, "calendar_changed")
		o.until("the clocks are reckoned anew", func() bool { return o.see("zhang", c.ID).Due.In(when.Zone).Format("01-02 15") == "01-05 09" })
		o.until("those of a suspended one too", func() bool { return o.see("zhang", late.ID).Due.In(when.Zone).Format("01-02 15") == "01-05 09" })
		if fires(c.ID) != "01-05 09" {
			t.Error("its timer still fires", fires(c.ID))
		}
		if got := o.traced("zhang", c.ID); got != "begin recount" {
			t.Error(got)
		}
		// What begins now counts with the new calendar at once, and a correction moves all of them again.
		after := o.begin("zhang", "m3", `{"amount":10}`)
		if got := after.Due.In(when.Zone).Format("01-02 15"); got != "01-05 09" {
			t.Error(got)
		}
		e.Move(time.Hour)
		enter(1, `{"2027-01-01":"元旦","2027-01-02":"元旦","2027-01-03":"元旦","2027-01-04":"元旦"}`, 200, "entered")
		for _, id := range []string{c.ID, late.ID, after.ID} {
			o.until("it moves again", func() bool { return o.see("zhang", id).Due.In(when.Zone).Format("01-02 15") == "01-06 09" })
		}
		// What does not reach into the year keeps its hour.
		var years struct {
			Items []struct {
				Year   int
				Source string
			}
		}
		o.Get(t, o.people["zhang"], "GET /api/settings/calendar", "", &years)
		last := years.Items[len(years.Items)-1]
		if last.Year != 2027 || last.Source != "entered" || years.Items[len(years.Items)-2].Source != "program" {
			t.Errorf("%+v", years.Items)
		}
	})
}

// With the year numbers begin anew, though the same serial was given the day before.
func TestNewYear(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		e.Move(time.Date(2023, 12, 31, 23, 59, 0, 0, when.Zone).Sub(e.Kit.Now()))
		old := o.begin("zhang", "m1", `{"amount":10}`)
		e.Move(2 * time.Minute)
		if c := o.begin("zhang", "m2", `{"amount":10}`); old.Number != "BH2023-0001" || c.Number != "BH2024-0001" {
			t.Error(old.Number, c.Number)
		}
		// The last work hours of the year go on in the next: 4 hours from New Year's Eve, a Sunday, end on 2 January.
		if due := o.see("li", old.ID).Mine[0].Due.In(when.Zone).Format("01-02 15:04"); due != "01-02 12:00" && due != "01-02 12:30" {
			t.Error(due)
		}
	})
}
