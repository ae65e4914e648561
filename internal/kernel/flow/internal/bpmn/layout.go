package bpmn

import (
	"math"
	"slices"
)

// sheet is one scope laid out, from its own corner.
type sheet struct {
	shapes map[string]Rect
	edges  map[string][]Point
	w, h   float64
}

// box takes one cell of the grid: a node, or the bend of a flow that passes the column.
type box struct {
	n          *Node // nil for a bend
	layer, row int
	band       int
	w, h       float64
	x, y       float64 // centre
	from       []*box  // in the layer before
	bounds     []*Node // boundary events that sit on it
	rank       int     // order of appearance
}

// wire is one flow: over boxes of neighbouring layers, or back to an earlier one.
type wire struct {
	f        *Flow
	path     []*box // of a wire back only its two ends
	back     bool
	boundary int // index of the boundary event it leaves from, -1 for the node itself
}

// plan lays out one scope.
type plan struct {
	p      *Process
	boxes  []*box
	by     map[string]*box
	wires  []*wire
	layers [][]*box
	lanes  int // bands that are lanes
	bands  int
	rows   []int // rows of each band
	inner  map[string]sheet
}

// Layout draws a process anew: layers from left to right, lanes as bands, flows in right angles between the columns.
func Layout(p *Process) {
	s := layScope(p, "", 0)
	p.Shapes, p.Edges = map[string]Rect{}, map[string][]Point{}
	dx := 40.0
	if len(p.Lanes) > 0 {
		dx += poolTitle
	}
	s.into(p.Shapes, p.Edges, dx, 40)
	for _, f := range p.Flows { // one that the grid cannot hold still shows
		p.shortcut(f)
	}
}

func (s sheet) into(shapes map[string]Rect, edges map[string][]Point, dx, dy float64) {
	for id, r := range s.shapes {
		r.X, r.Y = r.X+dx, r.Y+dy
		shapes[id] = r
	}
	for id, all := range s.edges {
		moved := make([]Point, len(all))
		for i, pt := range all {
			moved[i] = Point{pt.X + dx, pt.Y + dy}
		}
		edges[id] = moved
	}
}

// Sizes of what is drawn, those other tools draw too.
const (
	eventSize   = 36
	gatewaySize = 50
	taskWidth   = 100
	taskHeight  = 80
	rowGap      = 40
	gutter      = 50 // between columns, without tracks
	track       = 12
	padding     = 30
	titleHeight = 30 // of a sub-process
)

func layScope(p *Process, in string, depth int) sheet {
	l := &plan{p: p, by: map[string]*box{}, inner: map[string]sheet{}, bands: 1}
	if in == "" && len(p.Lanes) > 0 {
		l.lanes, l.bands = len(p.Lanes), len(p.Lanes)+1
	}
	l.place(in, depth)
	l.connect(in)
	l.arrange()
	return l.draw()
}

// place makes the boxes of a scope.
func (l *plan) place(in string, depth int) {
	lane := map[string]int{}
	for i, a := range l.p.Lanes {
		lane[a.ID] = i
	}
	for _, n := range l.p.Nodes {
		if n.In != in || l.by[n.ID] != nil || l.host(n) != nil {
			continue
		}
		b := &box{n: n, w: taskWidth, h: taskHeight, rank: len(l.boxes)}
		switch {
		case n.Kind.holds():
			if depth < maxDepth {
				s := layScope(l.p, n.ID, depth+1)
				l.inner[n.ID] = s
				b.w, b.h = max(b.w, s.w+2*padding), max(b.h, s.h+titleHeight+padding)
			}
		case n.Kind == Start || n.Kind == End || n.Kind == Boundary || n.Kind == "intermediateCatchEvent" || n.Kind == "intermediateThrowEvent":
			b.w, b.h = eventSize, eventSize
		case n.Kind == Exclusive || n.Kind == Parallel || n.Kind == Inclusive || n.Kind == "complexGateway" || n.Kind == "eventBasedGateway":
			b.w, b.h = gatewaySize, gatewaySize
		}
		if l.lanes > 0 {
			b.band = l.lanes
			if i, ok := lane[n.Lane]; ok {
				b.band = i
			}
		}
		l.by[n.ID] = b
		l.boxes = append(l.boxes, b)
	}
	for _, n := range l.p.Nodes {
		if h := l.host(n); h != nil && n.In == in {
			if b := l.by[h.ID]; b != nil {
				b.bounds = append(b.bounds, n)
				b.w = max(b.w, float64(20+44*len(b.bounds)))
			}
		}
	}
	for _, b := range l.boxes { // centres on whole points
		b.w, b.h = 2*math.Ceil(b.w/2), 2*math.Ceil(b.h/2)
	}
}

// host is the activity a boundary event sits on, nil when it sits on nothing.
func (l *plan) host(n *Node) *Node {
	if n.Kind != Boundary || n.Event == nil {
		return nil
	}
	if h := l.p.Node(n.Event.On); h != nil && h.In == n.In && h.Kind != Boundary {
		return h
	}
	return nil
}

// connect makes the wires of a scope.
func (l *plan) connect(in string) {
	for _, f := range l.p.Flows {
		from, to := l.p.Node(f.From), l.p.Node(f.To)
		if from == nil || to == nil || from.In != in || l.by[f.To] == nil {
			continue
		}
		w := &wire{f: f, boundary: -1}
		if h := l.host(from); h != nil {
			b := l.by[h.ID]
			w.boundary = slices.Index(b.bounds, from)
			from = h
		}
		if b := l.by[from.ID]; b != nil {
			w.path = []*box{b, l.by[f.To]}
			l.wires = append(l.wires, w)
		}
	}
}

// arrange gives every box its layer and row.
func (l *plan) arrange() {
	l.cut()
	depth := map[*box]int{}
	var deep func(b *box) int
	into := map[*box][]*box{}
	for _, w := range l.wires {
		if !w.back {
			into[w.path[1]] = append(into[w.path[1]], w.path[0])
		}
	}
	deep = func(b *box) int {
		if d, ok := depth[b]; ok {
			return d
		}
		d := 0
		for _, from := range into[b] {
			d = max(d, deep(from)+1)
		}
		depth[b] = d
		return d
	}
	for _, b := range l.boxes {
		b.layer = deep(b)
	}
	l.bend()
	for _, b := range l.boxes {
		for len(l.layers) <= b.layer {
			l.layers = append(l.layers, nil)
		}
		l.layers[b.layer] = append(l.layers[b.layer], b)
	}
	l.rows = make([]int, l.bands)
	for _, layer := range l.layers {
		l.fill(layer)
	}
}

// cut turns round the wires that would close a circle, found by a walk from the start.
func (l *plan) cut() {
	outs := map[*box][]*wire{}
	entered := map[*box]bool{}
	for _, w := range l.wires {
		outs[w.path[0]] = append(outs[w.path[0]], w)
		entered[w.path[1]] = true
	}
	state := map[*box]int{} // 1 under way, 2 done
	var visit func(b *box)
	visit = func(b *box) {
		state[b] = 1
		for _, w := range outs[b] {
			switch state[w.path[1]] {
			case 0:
				visit(w.path[1])
			case 1:
				w.back = true
			}
		}
		state[b] = 2
	}
	for _, first := range []bool{true, false} {
		for _, b := range l.boxes {
			if state[b] == 0 && (!first || !entered[b]) {
				visit(b)
			}
		}
	}
}

// bend gives wires over several layers a cell in each, so that they pass no shape.
func (l *plan) bend() {
	for _, w := range l.wires {
		if w.back {
			continue
		}
		from, to := w.path[0], w.path[1]
		path := []*box{from}
		for i := from.layer + 1; i < to.layer; i++ {
			b := &box{layer: i, band: to.band, rank: len(l.boxes), from: []*box{path[len(path)-1]}}
			path = append(path, b)
			l.boxes = append(l.boxes, b)
		}
		to.from = append(to.from, path[len(path)-1])
		w.path = append(path, to)
	}
}

// fill gives the boxes of a layer their rows: near where they come from, nodes above bends.
func (l *plan) fill(layer []*box) {
	wish := map[*box]int{}
	for _, b := range layer {
		wish[b] = math.MaxInt
		for _, from := range b.from {
			if from.band == b.band {
				wish[b] = min(wish[b], from.row)
			}
		}
		if wish[b] == math.MaxInt {
			wish[b] = 0
		}
	}
	slices.SortStableFunc(layer, func(a, b *box) int {
		switch {
		case a.band != b.band:
			return a.band - b.band
		case wish[a] != wish[b]:
			return wish[a] - wish[b]
		case (a.n == nil) != (b.n == nil):
			if a.n == nil {
				return 1
			}
			return -1
		}
		return a.rank - b.rank
	})
	next := make([]int, l.bands)
	for _, b := range layer {
		b.row = max(next[b.band], wish[b])
		next[b.band] = b.row + 1
		l.rows[b.band] = max(l.rows[b.band], b.row+1)
	}
}
