package bpmn

import (
	"math"
	"slices"
)

// route is the upright pieces of one wire, each in a gutter, and how they hang together.
type route struct {
	w    *wire
	legs []*leg
}

// leg is one upright piece.
type leg struct {
	gutter   int // the one before the layer of that number
	from, to float64
	track    int
}

// draw gives the boxes their places and the wires their ways.
func (l *plan) draw() sheet {
	tops, bottoms := l.heights()
	routes := l.routes(bottoms)
	widths, first := l.tracks(routes)
	left := l.columns(widths)
	s := sheet{shapes: map[string]Rect{}, edges: map[string][]Point{}}
	s.w = left[len(l.layers)] + float64(widths[len(l.layers)])
	s.h = bottoms[len(bottoms)-1]
	for _, b := range l.boxes {
		if b.n == nil {
			continue
		}
		r := Rect{b.x - b.w/2, b.y - b.h/2, b.w, b.h}
		s.shapes[b.n.ID] = r
		for i, n := range b.bounds {
			at := b.edge(i)
			s.shapes[n.ID] = Rect{at.X - eventSize/2, at.Y - eventSize/2, eventSize, eventSize}
		}
		if in, ok := l.inner[b.n.ID]; ok {
			dx := math.Floor((b.w - in.w) / 2)
			in.into(s.shapes, s.edges, r.X+dx, r.Y+titleHeight)
		}
	}
	for _, r := range routes {
		s.edges[r.w.f.ID] = r.points(left, first)
	}
	if l.lanes > 0 {
		for i, a := range l.p.Lanes {
			s.shapes[a.ID] = Rect{0, tops[i], s.w, bottoms[i] - tops[i]}
		}
	}
	return s
}

// edge is the middle of a boundary event: on the lower edge, the first to the right.
func (b *box) edge(i int) Point {
	return Point{b.x + b.w/2 - 30 - float64(44*i), b.y + b.h/2}
}

// leave is the height at which a wire from a boundary event runs beside its box.
func (b *box) leave(i int) float64 { return b.y + b.h/2 + eventSize/2 + 8*float64(i+1) }

// heights places the bands and rows, and gives the top and bottom of each band.
func (l *plan) heights() (tops, bottoms []float64) {
	y := 0.0
	for band := range l.bands {
		tops = append(tops, y)
		rows := l.rows[band]
		if band < l.lanes {
			rows = max(1, rows)
		}
		if rows > 0 && l.lanes > 0 {
			y += rowGap / 2
		}
		for row := range rows {
			high, below := 0.0, 0.0
			var here []*box
			for _, b := range l.boxes {
				if b.band == band && b.row == row {
					here = append(here, b)
					high = max(high, b.h)
					if k := len(b.bounds); k > 0 {
						below = max(below, eventSize/2+8*float64(k+1))
					}
				}
			}
			if high == 0 {
				high = 20
			}
			if band < l.lanes && rows == 1 {
				high = max(high, taskHeight)
			}
			for _, b := range here {
				b.y = y + high/2
			}
			y += high + below + rowGap
		}
		if rows > 0 && l.lanes == 0 {
			y -= rowGap / 2
		}
		for _, w := range l.wires { // room for what returns below the band
			if w.back && max(w.path[0].band, w.path[1].band) == band {
				y += track
			}
		}
		bottoms = append(bottoms, y)
	}
	return tops, bottoms
}

// routes finds the upright pieces of every wire.
func (l *plan) routes(bottoms []float64) []*route {
	var out []*route
	lines := make([]int, l.bands)
	for _, w := range l.wires {
		from, to := w.path[0], w.path[len(w.path)-1]
		r := &route{w: w}
		y := from.y
		if w.boundary >= 0 {
			y = from.leave(w.boundary)
		}
		if w.back {
			band := max(from.band, to.band)
			lines[band]++
			low := bottoms[band] - float64(track*lines[band])
			r.legs = []*leg{{gutter: from.layer + 1, from: y, to: low}, {gutter: to.layer, from: low, to: to.y}}
		} else {
			for _, b := range w.path[1:] {
				r.legs = append(r.legs, &leg{gutter: b.layer, from: y, to: b.y})
				y = b.y
			}
		}
		out = append(out, r)
	}
	return out
}

// tracks gives upright pieces of one gutter that would lie on each other tracks of their own, and each gutter its width
// and where its first track is.
func (l *plan) tracks(routes []*route) (widths []int, first []float64) {
	used := make([][][]*leg, len(l.layers)+1)
	for _, r := range routes {
		for _, g := range r.legs {
			if g.from == g.to {
				continue
			}
			lo, hi := min(g.from, g.to), max(g.from, g.to)
			all := used[g.gutter]
			i := slices.IndexFunc(all, func(on []*leg) bool {
				return !slices.ContainsFunc(on, func(o *leg) bool { return min(o.from, o.to) <= hi && max(o.from, o.to) >= lo })
			})
			if i < 0 {
				i = len(all)
				used[g.gutter] = append(all, nil)
			}
			g.track = i
			used[g.gutter][i] = append(used[g.gutter][i], g)
		}
	}
	for i, all := range used {
		wide, at := gutter+track*len(all), gutter/2
		switch {
		case l.lanes == 0 && i == 0: // the margins of a scope without lanes hold tracks alone
			wide, at = track*len(all), 0
		case l.lanes == 0 && i == len(l.layers):
			wide, at = track*len(all), track
		case i == 0:
			wide, at = wide+titleHeight, at+titleHeight
		}
		widths, first = append(widths, wide), append(first, float64(at))
	}
	return widths, first
}

// columns places the boxes from left to right, and gives the left side of each gutter.
func (l *plan) columns(widths []int) []float64 {
	x := 0.0
	var left []float64
	for i, layer := range l.layers {
		left = append(left, x)
		x += float64(widths[i])
		wide := 0.0
		for _, b := range layer {
			wide = max(wide, b.w)
		}
		for _, b := range layer {
			b.x = x + wide/2
		}
		x += wide
	}
	return append(left, x)
}

// points is the way of a wire in right angles.
func (r *route) points(left, first []float64) []Point {
	from, to := r.w.path[0], r.w.path[len(r.w.path)-1]
	at := Point{from.x + from.w/2, from.y}
	out := []Point{at}
	if i := r.w.boundary; i >= 0 {
		e := from.edge(i)
		at = Point{e.X, from.leave(i)}
		out = []Point{{e.X, e.Y + eventSize/2}, at}
	}
	for _, g := range r.legs {
		if g.from == g.to {
			continue
		}
		x := left[g.gutter] + first[g.gutter] + float64(track*g.track)
		out = append(out, Point{x, g.from}, Point{x, g.to})
	}
	return straight(append(out, Point{to.x - to.w/2, to.y}))
}

// straight leaves out points that change nothing.
func straight(all []Point) []Point {
	var out []Point
	for _, p := range all {
		if n := len(out); n > 0 && out[n-1] == p {
			continue
		}
		if n := len(out); n > 1 && (out[n-2].X == out[n-1].X && out[n-1].X == p.X || out[n-2].Y == out[n-1].Y && out[n-1].Y == p.Y) {
			out[n-1] = p
			continue
		}
		out = append(out, p)
	}
	return out
}
