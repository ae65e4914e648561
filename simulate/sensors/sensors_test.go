package sensors_test

import (
	"reflect"
	"testing"
	"time"

	"qushu/simulate/sensors"
)

func TestPoints(t *testing.T) {
	all := sensors.Points()
	count, seen := map[string]int{}, map[string]bool{}
	for _, p := range all {
		count[p.Kind]++
		if seen[p.Code] || p.Lon < 114.2 || p.Lon > 114.5 || p.Lat < 30.4 || p.Lat > 30.65 || p.Cadence == 0 {
			t.Errorf("%+v", p)
		}
		seen[p.Code] = true
	}
	if want := map[string]int{"gate": 6, "culvert": 8, "lake": 6, "channel": 5, "rain": 4, "gas": 3, "structure": 3}; len(all) != 35 || !reflect.DeepEqual(count, want) {
		t.Errorf("%d: %v", len(all), count)
	}
}

// The storm fills the first culvert over its orange line and empties it again; the same time says the same.
func TestStorm(t *testing.T) {
	end := time.Date(2023, 7, 1, 22, 0, 0, 0, time.UTC)
	s := sensors.Storm{End: end}
	for _, p := range sensors.Points() {
		if !reflect.DeepEqual(p.Values(s, end), p.Values(s, end)) {
			t.Errorf("%s is not of one mind", p.Code)
		}
		if p.Code != "HS-QH-01" {
			continue
		}
		most := 0.0
		for at := end.Add(-6 * time.Hour); at.Before(end); at = at.Add(time.Minute) {
			most = max(most, p.Values(s, at)["depth"])
		}
		if most < 27 || most > 60 || p.Values(s, end.Add(9*time.Hour))["depth"] > 15 {
			t.Errorf("the culvert fills to %v and falls to %v", most, p.Values(s, end.Add(9*time.Hour)))
		}
	}
}
