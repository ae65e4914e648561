package series

import (
	"fmt"
	"math"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	sketchstore "github.com/DataDog/sketches-go/ddsketch/store"
)

// Level is the width of a rollup.
type Level int

// The levels. Raw are the samples themselves.
const (
	Raw    Level = 0
	Minute Level = 1
	Hour   Level = 2
	Day    Level = 3 // of +08:00
)

// Width is how long a bucket of the level lasts, 0 of Raw.
func (l Level) Width() time.Duration {
	return [...]time.Duration{0, time.Minute, time.Hour, 24 * time.Hour}[l]
}

// shift is how far +08:00 is ahead, so that days begin at its midnight; hours and minutes are the same everywhere.
const shift = 8 * int64(time.Hour/time.Microsecond)

// floor is the beginning of the bucket a time is in, microseconds.
func floor(l Level, at int64) int64 {
	w := l.Width().Microseconds()
	at += shift
	r := at % w
	if r < 0 {
		r += w
	}
	return at - r - shift
}

// Bucket is what is known of the samples of one stretch of time. One sample is a bucket of its own.
type Bucket struct {
	At     time.Time // its beginning
	N      int64     // samples
	Sum    float64
	Least  float64
	Most   float64
	Last   float64   // of the latest sample
	LastAt time.Time // of the latest sample

	sketch *ddsketch.DDSketch // nil where all samples are one number
}

// Mean is the average, NaN of nothing.
func (b *Bucket) Mean() float64 { return b.Sum / float64(b.N) }

// Quantile is the value below which q of the samples lie, within Accuracy of itself.
func (b *Bucket) Quantile(q float64) float64 {
	if b.sketch == nil {
		return b.Least
	}
	v, err := b.sketch.GetValueAtQuantile(q)
	if err != nil {
		return math.NaN()
	}
	return min(max(v, b.Least), b.Most)
}

func newSketch() *ddsketch.DDSketch {
	m, err := mapping.NewLogarithmicMapping(Accuracy)
	if err != nil {
		panic(err) // Accuracy is between 0 and 1
	}
	return ddsketch.NewDDSketchFromStoreProvider(m, sketchstore.BufferedPaginatedStoreConstructor)
}

// tiny numbers are zero to the sketch, and those beyond it at its end.
func (b *Bucket) note(v float64, n int64) {
	if err := b.sketch.AddWithCount(v, float64(n)); err != nil {
		edge := math.Copysign(b.sketch.MaxIndexableValue()/2, v)
		_ = b.sketch.AddWithCount(edge, float64(n))
	}
}

// spread begins the sketch of a bucket whose samples so far are one number.
func (b *Bucket) spread() {
	b.sketch = newSketch()
	if b.N > 0 {
		b.note(b.Least, b.N)
	}
}

// add takes a sample in.
func (b *Bucket) add(at time.Time, v float64) {
	if b.N == 0 {
		b.Least, b.Most = v, v
	}
	if b.sketch == nil && (v != b.Least || v != b.Most) {
		b.spread()
	}
	if b.sketch != nil {
		b.note(v, 1)
	}
	b.N, b.Sum = b.N+1, b.Sum+v
	b.Least, b.Most = min(b.Least, v), max(b.Most, v)
	if !at.Before(b.LastAt) {
		b.Last, b.LastAt = v, at
	}
}

// merge takes another bucket in.
func (b *Bucket) merge(o *Bucket) error {
	if o.N == 0 {
		return nil
	}
	if b.N == 0 {
		b.Least, b.Most = o.Least, o.Most
	}
	if b.sketch == nil && (o.sketch != nil || o.Least != b.Least) {
		b.spread()
	}
	switch {
	case o.sketch != nil:
		if err := b.sketch.MergeWith(o.sketch); err != nil {
			return fmt.Errorf("series: %w", err)
		}
	case b.sketch != nil:
		b.note(o.Least, o.N)
	}
	b.N, b.Sum = b.N+o.N, b.Sum+o.Sum
	b.Least, b.Most = min(b.Least, o.Least), max(b.Most, o.Most)
	if !o.LastAt.Before(b.LastAt) {
		b.Last, b.LastAt = o.Last, o.LastAt
	}
	return nil
}

// kept is the sketch as bytes, none where all samples are one number.
func (b *Bucket) kept() []byte {
	out := []byte{}
	if b.sketch != nil {
		b.sketch.Encode(&out, true)
	}
	return out
}

// read takes a kept sketch back.
func (b *Bucket) read(kept []byte) error {
	if len(kept) == 0 {
		return nil
	}
	like := newSketch()
	var err error
	if b.sketch, err = ddsketch.DecodeDDSketch(kept, sketchstore.BufferedPaginatedStoreConstructor, like.IndexMapping); err != nil {
		return fmt.Errorf("series: a sketch cannot be read: %w", err)
	}
	return nil
}
