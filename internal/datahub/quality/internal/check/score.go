package check

import (
	"math"
	"strconv"

	"qushu/internal/base/warehouse"
)

// Dimensions are the six of GB/T 36344-2018 in its order: 规范性 完整性 准确性 一致性 时效性 可访问性.
var Dimensions = [...]string{"01", "02", "03", "04", "05", "06"}

// Weights is how much each dimension counts, by its code. These are practice, and a setting.
type Weights map[string]float64

// Found is what one rule found in one version of a table.
type Found struct {
	Rule    string  `json:"rule" doc:"id"`
	Weight  float64 `json:"weight"`
	Measure string  `json:"measure" doc:"GB/T 36344 code"`
	Checked int64   `json:"checked"`
	Passed  int64   `json:"passed"`
}

// Score is passed of checked, in hundredths of a hundred: 9485 is 94.85. None when nothing was checked: 无法评估, which is
// not a hundred.
func (f Found) Score() (int64, bool) {
	if f.Checked == 0 {
		return 0, false
	}
	return int64(math.Floor(float64(f.Passed)/float64(f.Checked)*10000 + 1e-9)), true
}

// Part is the score of one dimension.
type Part struct {
	Dimension string `json:"dimension"`
	Score     int64  `json:"score" doc:"hundredths: 9485 is 94.85"`
	Rules     int    `json:"rules" doc:"that could be judged; with none the dimension cannot be assessed and counts for nothing"`
}

// Total is the score of a table.
type Total struct {
	Parts []Part `json:"parts" nullable:"false"`
	Score int64  `json:"score" doc:"hundredths: 9485 is 94.85; 0 with no grade"`
	Grade string `json:"grade" enum:",best,good,fair,poor" doc:"优 良 中 差; empty when nothing could be assessed"`
}

// Sum makes the score of a table of what its rules found: within a dimension rules count by their weight, dimensions by w.
// A dimension nothing measures is left out of the sum, and told apart.
func Sum(found []Found, w Weights) Total {
	t := Total{Parts: []Part{}}
	sum, weight := 0.0, 0.0
	for _, d := range Dimensions {
		p := Part{Dimension: d}
		of, all := 0.0, 0.0
		for _, f := range found {
			s, ok := f.Score()
			if !ok || len(f.Measure) < 2 || f.Measure[:2] != d {
				continue
			}
			p.Rules++
			of, all = of+float64(s)*f.Weight, all+f.Weight
		}
		if all > 0 {
			p.Score = int64(math.Round(of / all))
			sum, weight = sum+float64(p.Score)*w[d], weight+w[d]
		}
		t.Parts = append(t.Parts, p)
	}
	if weight > 0 {
		t.Score = int64(math.Round(sum / weight))
		t.Grade = grade(t.Score)
	}
	return t
}

// grade names a score: ≥ 95 优, ≥ 85 良, ≥ 70 中, below 差.
func grade(score int64) string {
	switch {
	case score >= 9500:
		return "best"
	case score >= 8500:
		return "good"
	case score >= 7000:
		return "fair"
	}
	return "poor"
}

func number(d warehouse.Decimal) float64 {
	f, err := strconv.ParseFloat(string(d), 64)
	if err != nil {
		return 0
	}
	return f
}
