// Package sensors plays the district's 35 sensors of seven kinds: what each measures at a time follows from the time alone, with
// tides, rain and faults, so that two runs say the same and a sensor may catch up on what it has missed.
package sensors

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"strconv"
	"time"
)

// Point is one sensor. Places are plausible, not surveyed.
type Point struct {
	Code, Name, Kind, Address, Division, Vendor string
	Lon, Lat                                    float64
	Cadence                                     int // seconds between two messages

	low  float64 // of its place: a culvert deeper than others, a lake's usual level
	gain float64 // how much rain does to it
}

// Points are the 35 of the district: six gates, eight culverts, six lakes, five channels and stations, four rain gauges, three gas and
// three structure sensors.
func Points() []Point {
	type row struct {
		name, address, division string
		lon, lat, low, gain     float64
	}
	kinds := []struct {
		kind, short string
		cadence     int
		rows        []row
	}{
		{"gate", "ZM", 300, []row{
			{"青菱闸", "青菱河入江口", "420111", 114.2766, 30.4702, 19.2, 1.0}, {"陈家山闸", "巡司河", "420111", 114.3047, 30.5103, 19.4, 1.0}, {"汤逊湖泵站进水闸", "汤逊湖", "420111", 114.3302, 30.4306, 18.9, 0.8},
			{"野芷湖闸", "野芷湖西岸", "420111", 114.3176, 30.4705, 19.0, 0.9}, {"南湖连通渠闸", "南湖西岸", "420111", 114.3266, 30.4968, 19.1, 0.9}, {"东湖港渠闸", "东湖港", "420111", 114.4012, 30.5601, 19.3, 0.7}}},
		{"culvert", "QH", 60, []row{
			{"珞狮路铁路涵洞", "珞狮路", "420111003", 114.3521, 30.5124, 0.4, 36}, {"雄楚大道涵洞", "雄楚大道", "420111006", 114.3689, 30.5012, 0.3, 30}, {"丁字桥涵洞", "丁字桥路", "420111005", 114.3334, 30.5161, 0.2, 22},
			{"烽火涵洞", "烽火村", "420111", 114.3001, 30.4899, 0.5, 34}, {"张家湾涵洞", "张家湾", "420111", 114.2903, 30.4703, 0.3, 26}, {"青菱乡涵洞", "青菱乡", "420111", 114.2811, 30.4612, 0.4, 28},
			{"关山大道下穿", "关山大道", "420111002", 114.4068, 30.5006, 0.2, 24}, {"光谷大道涵洞", "光谷大道", "420111002", 114.4251, 30.4902, 0.2, 20}}},
		{"lake", "HP", 300, []row{
			{"南湖", "南湖幸福湾", "420111003", 114.3606, 30.4944, 18.92, 0.55}, {"汤逊湖", "汤逊湖北岸", "420111", 114.3507, 30.4402, 18.85, 0.50}, {"野芷湖", "野芷湖公园", "420111", 114.3201, 30.4731, 18.80, 0.45},
			{"黄家湖", "黄家湖大学城", "420111", 114.2704, 30.4303, 18.78, 0.50}, {"青菱湖", "青菱湖南岸", "420111", 114.2603, 30.4401, 18.75, 0.48}, {"东湖（洪山段）", "梨园", "420111005", 114.3801, 30.5702, 18.95, 0.30}}},
		{"channel", "GQ", 300, []row{
			{"巡司河", "巡司河畔", "420111", 114.3051, 30.5021, 19.0, 0.7}, {"青菱河", "青菱河桥", "420111", 114.2803, 30.4651, 18.9, 0.7}, {"南湖泵站", "南湖泵站", "420111", 114.3302, 30.4951, 18.9, 0.6},
			{"汤逊湖泵站", "汤逊湖泵站", "420111", 114.3260, 30.4320, 18.8, 0.6}, {"东湖港渠", "东湖港", "420111", 114.4030, 30.5560, 19.0, 0.5}}},
		{"rain", "YL", 300, []row{{"洪山雨量站", "珞喻路", "420111006", 114.3512, 30.5130, 0, 1}, {"青菱雨量站", "青菱街", "420111", 114.2805, 30.4640, 0, 1.15}, {"汤逊湖雨量站", "汤逊湖", "420111", 114.3401, 30.4350, 0, 0.9}, {"梨园雨量站", "梨园", "420111005", 114.3790, 30.5690, 0, 0.8}}},
		{"gas", "RQ", 900, []row{{"街道口地下管廊", "街道口", "420111006", 114.3501, 30.5251, 0.4, 0}, {"张家湾调压站", "张家湾", "420111", 114.2921, 30.4721, 0.6, 0}, {"关山调压站", "关山", "420111002", 114.4051, 30.5031, 0.5, 0}}},
		{"structure", "JG", 1800, []row{{"珞狮路高架", "珞狮路", "420111003", 114.3530, 30.5110, 0.12, 0}, {"白沙洲大道高架", "白沙洲大道", "420111", 114.2880, 30.4800, 0.20, 0}, {"书城路雨水井盖", "书城路", "420111006", 114.3601, 30.5052, 0, 0}}},
	}
	var out []Point
	for _, k := range kinds {
		for i, r := range k.rows {
			out = append(out, Point{Code: "HS-" + k.short + "-" + two(i+1), Name: r.name, Kind: k.kind, Address: r.address, Division: r.division, Vendor: "示例厂商", Lon: r.lon, Lat: r.lat, Cadence: k.cadence, low: r.low, gain: r.gain})
		}
	}
	return out
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// noise is between -1 and 1 and follows from a name and a number.
func noise(name string, n int64) float64 {
	h := fnv.New64a()
	h.Write([]byte(name + "/" + strconv.FormatInt(n, 10)))
	return float64(h.Sum64()%20001)/10000 - 1
}

// smooth is noise without jumps, over steps of a width.
func smooth(name string, t time.Time, width time.Duration) float64 {
	at := float64(t.UnixNano()) / float64(width)
	n := math.Floor(at)
	f := at - n
	f = f * f * (3 - 2*f)
	return noise(name, int64(n))*(1-f) + noise(name, int64(n)+1)*f
}

// Storm is a night of rain that a district is shown in: it ends at a time, and was worst an hour before.
type Storm struct{ End time.Time }

// Rising is the storm in which the first culvert crosses 27 cm at a time.
func Rising(all []Point, at time.Time) Storm {
	for _, p := range all {
		if p.Kind != "culvert" {
			continue
		}
		s := Storm{End: at}
		for d := -6 * time.Hour; d < 3*time.Hour; d += time.Minute {
			if p.Values(s, at.Add(d))["depth"] >= 27 {
				return Storm{End: at.Add(-d)}
			}
		}
	}
	return Storm{End: at}
}

// intensity is the rain of an hour, millimetres.
func (s Storm) intensity(t time.Time) float64 {
	rain := 0.0
	if v := smooth("rain", t, 7*time.Hour) - 0.72; v > 0 { // a shower now and then
		rain = v * 40
	}
	if d := s.End.Add(-time.Hour).Sub(t); !s.End.IsZero() && d < 5*time.Hour && d > -4*time.Hour {
		rain += 46 * math.Exp(-math.Pow(d.Hours()/1.4, 2))
	}
	return rain
}

// water is the rain of the last hours that has not run off, between 0 and about 1.
func (s Storm) water(t time.Time) float64 {
	sum := 0.0
	for i := range 12 {
		sum += s.intensity(t.Add(-time.Duration(i)*20*time.Minute)) * math.Exp(-float64(i)/5)
	}
	return sum / 200
}

// Values is what a sensor measures at a time.
func (p Point) Values(s Storm, t time.Time) map[string]float64 {
	n := func(name string, width time.Duration) float64 { return smooth(p.Code+name, t, width) }
	water := s.water(t)
	tide := math.Sin(float64(t.Unix())/44714*2*math.Pi) * 0.04 // the river's, damped by the gates
	out := map[string]float64{"battery": round(88+6*n("battery", 200*time.Hour), 0)}
	switch p.Kind {
	case "culvert":
		out["depth"] = round(math.Max(0, p.low+0.3*n("d", time.Hour)+p.gain*water), 1)
	case "lake":
		out["level"] = round(p.low+0.06*n("l", 30*time.Hour)+p.gain*water, 2)
	case "gate":
		up := p.low + tide + 0.05*n("u", 20*time.Hour) + p.gain*water
		open := 20.0
		if water > 0.2 {
			open = 80
		}
		out["upstream"], out["downstream"], out["opening"] = round(up, 2), round(up-0.15-open/500, 2), open
	case "channel":
		level := p.low + tide + 0.05*n("c", 15*time.Hour) + p.gain*water
		out["level"], out["flow"], out["pump"] = round(level, 2), round(3+22*water+n("f", time.Hour), 1), 0
		if water > 0.15 {
			out["pump"] = 1
		}
	case "rain":
		out["hour"] = round(p.gain*s.intensity(t), 1)
		day := 0.0
		for i := range 24 {
			day += s.intensity(t.Add(-time.Duration(i) * time.Hour))
		}
		out["day"] = round(p.gain*day, 1)
	case "gas":
		out["methane"] = round(math.Max(0, p.low+0.4*n("g", 5*time.Hour)), 1)
	case "structure":
		out["tilt"], out["deflection"], out["open"] = round(math.Max(0, p.low+0.02*n("t", 9*time.Hour)), 2), round(4+3*n("x", time.Hour), 1), 0
	}
	return out
}

func round(v float64, decimals int) float64 {
	f := math.Pow(10, float64(decimals))
	return math.Round(v*f) / f
}

// Message is what a sensor sends of a time.
type Message struct {
	TS     int64              `json:"ts"` // milliseconds since 1970
	Values map[string]float64 `json:"values"`
}

// Payload is the message of a time, or of several in an array.
func (p Point) Payload(s Storm, times ...time.Time) []byte {
	all := make([]Message, len(times))
	for i, t := range times {
		all[i] = Message{t.UnixMilli(), p.Values(s, t)}
	}
	var v any = all
	if len(all) == 1 {
		v = all[0]
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers only
	}
	return b
}
