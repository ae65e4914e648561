package bpmn

import (
	"math"
	"strconv"
)

// page is what of a process may stand in a diagram.
type page struct {
	p      *Process
	nodes  map[string]*Node
	flows  map[string]bool
	lanes  map[string]bool
	filled map[string]bool // sub-processes with something inside
	torn   bool            // inner scopes are on pages of their own, or folded away
}

// diagram reads where things are drawn. A diagram that leaves nodes out, or that draws inner scopes on pages of their
// own, is no use on one page: then there is none, and the caller lays the process out.
func (r *reader) diagram(root *element) {
	g := &page{p: r.p, nodes: map[string]*Node{}, flows: map[string]bool{}, lanes: map[string]bool{}, filled: map[string]bool{}}
	for _, n := range r.p.Nodes {
		g.nodes[n.ID] = n
		g.filled[n.In] = true
	}
	for _, f := range r.p.Flows {
		g.flows[f.ID] = true
	}
	for _, l := range r.p.Lanes {
		g.lanes[l.ID] = true
	}
	for _, d := range root.kids {
		if d.space != DiNS || d.name != "BPMNDiagram" {
			continue
		}
		for _, plane := range d.kids {
			g.plane(plane)
		}
	}
	if g.torn || !r.p.Drawn() {
		if len(r.p.Shapes) > 0 {
			r.say(Warning, r.p.ID, r.p.Name, "flow.bpmn_drawn_anew")
		}
		clear(r.p.Shapes)
		clear(r.p.Edges)
		return
	}
	for _, f := range r.p.Flows {
		r.p.shortcut(f)
	}
}

func (g *page) plane(plane *element) {
	if n := g.nodes[local(plane.attr("bpmnElement"))]; n != nil {
		g.torn = g.torn || g.filled[n.ID]
		return
	}
	for _, s := range plane.kids {
		id := local(s.attr("bpmnElement"))
		switch {
		case s.space != DiNS:
		case s.name == "BPMNShape" && (g.nodes[id] != nil || g.lanes[id]):
			if b, ok := bounds(s); ok {
				g.p.Shapes[id] = b
			}
			g.torn = g.torn || g.nodes[id] != nil && g.filled[id] && s.attr("isExpanded") == "false"
		case s.name == "BPMNEdge" && g.flows[id]:
			if w := waypoints(s); len(w) > 1 {
				g.p.Edges[id] = w
			}
		}
	}
}

// shortcut draws a flow that has no way yet straight from node to node.
func (p *Process) shortcut(f *Flow) {
	a, ok := p.Shapes[f.From]
	b, also := p.Shapes[f.To]
	if p.Edges[f.ID] == nil && ok && also {
		p.Edges[f.ID] = []Point{{a.X + a.W, a.Y + a.H/2}, {b.X, b.Y + b.H/2}}
	}
}

func bounds(e *element) (Rect, bool) {
	for _, k := range e.kids {
		if k.space == DcNS && k.name == "Bounds" {
			x, ok1 := coordinate(k, "x")
			y, ok2 := coordinate(k, "y")
			w, ok3 := coordinate(k, "width")
			h, ok4 := coordinate(k, "height")
			return Rect{x, y, w, h}, ok1 && ok2 && ok3 && ok4 && w > 0 && h > 0
		}
	}
	return Rect{}, false
}

func waypoints(e *element) []Point {
	var out []Point
	for _, k := range e.kids {
		if k.space != DdNS || k.name != "waypoint" {
			continue
		}
		x, ok := coordinate(k, "x")
		y, also := coordinate(k, "y")
		if !ok || !also {
			return nil
		}
		out = append(out, Point{x, y})
	}
	return out
}

func coordinate(e *element, name string) (float64, bool) {
	f, err := strconv.ParseFloat(e.attr(name), 64)
	return f, err == nil && math.Abs(f) < 1e6
}
