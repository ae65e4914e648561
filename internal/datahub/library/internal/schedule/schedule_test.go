package schedule

import (
	"testing"
	"time"

	"qushu/internal/base/when"
)

func TestNext(t *testing.T) {
	days, err := when.Load()
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", s, when.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		s          Schedule
		from, want string
	}{
		{Schedule{Every: "minutes", N: 15}, "2023-06-01 09:07:30", "2023-06-01 09:22:00"},
		{Schedule{Every: "hours", N: 6, At: "00:30"}, "2023-06-01 09:00:00", "2023-06-01 12:30:00"},
		{Schedule{Every: "hours", N: 6, At: "00:30"}, "2023-06-01 19:00:00", "2023-06-02 00:30:00"},
		{Schedule{Every: "hours", N: 5}, "2023-06-01 21:00:00", "2023-06-02 00:00:00"},
		{Schedule{Every: "daily", At: "02:30"}, "2023-06-01 02:30:00", "2023-06-02 02:30:00"},
		{Schedule{Every: "daily", At: "02:30"}, "2023-12-31 23:00:00", "2024-01-01 02:30:00"},
		// 2023: Dragon Boat festival 22 to 24 June, Sunday 25 June is worked.
		{Schedule{Every: "workdays", At: "08:00"}, "2023-06-21 09:00:00", "2023-06-25 08:00:00"},
		{Schedule{Every: "weekly", Day: 1, At: "08:00"}, "2023-06-01 09:00:00", "2023-06-05 08:00:00"},
		{Schedule{Every: "weekly", Day: 4, At: "08:00"}, "2023-06-01 09:00:00", "2023-06-08 08:00:00"},
		{Schedule{Every: "monthly", Day: 31, At: "01:00"}, "2023-06-01 09:00:00", "2023-06-30 01:00:00"},
		{Schedule{Every: "monthly", Day: 31, At: "01:00"}, "2024-01-31 01:00:00", "2024-02-29 01:00:00"},
	} {
		if err := c.s.Check(); err != nil {
			t.Errorf("%+v: %v", c.s, err)
		}
		if got := c.s.Next(at(c.from), days).Format(time.DateTime); got != c.want {
			t.Errorf("%+v after %s: %s, want %s", c.s, c.from, got, c.want)
		}
	}
	if !(Schedule{}).Next(at("2023-06-01 09:00:00"), days).IsZero() {
		t.Error("by hand is never due")
	}
	daily := Schedule{Every: "daily", At: "02:30"}
	if daily.Late(at("2023-06-01 02:31:00"), at("2023-06-03 03:00:00"), days) || !daily.Late(at("2023-06-01 02:31:00"), at("2023-06-03 03:31:00"), days) {
		t.Error("late after one turn is let go by")
	}
}

func TestCheck(t *testing.T) {
	for _, s := range []Schedule{{Every: "minutes", N: 1}, {Every: "hours"}, {Every: "daily", At: "24:00"}, {Every: "daily", At: "2:3"}, {Every: "weekly"}, {Every: "monthly", Day: 32}, {Every: "yearly"}} {
		if s.Check() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
