package theme

import (
	"slices"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
)

// Lineage is what one version of a dataset was made of, as kept.
type Lineage struct {
	Inputs     []Input  `json:"inputs"`
	Columns    []Link   `json:"columns"`
	Conditions []Source `json:"conditions"` // columns that decided which rows there are
}

// Input is a version that was read.
type Input struct {
	ID      string `json:"id"` // of the dataset
	Name    string `json:"name"`
	Number  int64  `json:"number"`
	Version string `json:"version"`
	Part    bool   `json:"part,omitempty"` // only the rows of a grant
}

// Link says where a column comes from.
type Link struct {
	Name string        `json:"name"`
	How  warehouse.How `json:"how" enum:"copy,derived,aggregate"`
	From []Source      `json:"from" nullable:"false"`
}

// Source is a column of a dataset.
type Source struct {
	Dataset string `json:"dataset" doc:"id of its node"`
	Column  string `json:"column" doc:"empty where it may not be told"`
}

// Node is one thing of a lineage.
type Node struct {
	ID         string       `json:"id"`
	Kind       string       `json:"kind" enum:"file,feed,other,dataset,step,answer"`
	Hidden     bool         `json:"hidden" doc:"the caller may not read it; only its unit is told"`
	Title      string       `json:"title"`
	Name       string       `json:"name"`
	UnitName   string       `json:"unitName"`
	Dataset    string       `json:"dataset" doc:"id, of a dataset that may be read"`
	Number     int64        `json:"number" doc:"version that serves"`
	Rows       int64        `json:"rows"`
	Updated    store.Time   `json:"updatedAt"`
	Library    string       `json:"library" doc:"of a step: id of its library, where that may be read"`
	Of         string       `json:"of" doc:"of a step: title of its library; of a feed: name of the other system"`
	SQL        string       `json:"sql" doc:"of a step whose library may be read"`
	Columns    []NodeColumn `json:"columns" nullable:"false" doc:"of a dataset or an answer"`
	Links      []Link       `json:"links" nullable:"false" doc:"of a step or an answer: where each column comes from"`
	Conditions []Source     `json:"conditions" nullable:"false" doc:"of a step or an answer: what decides which rows there are"`
	Layer      int          `json:"layer" doc:"from left to right, 0 first"`
}

// NodeColumn is a column of a node.
type NodeColumn struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Level  string `json:"level" enum:",L1,L2,L3,L4"`
	Masked bool   `json:"masked"`
	Marked bool   `json:"marked" doc:"on the path of the column asked for"`
}

// Edge leads from what is read to what is made.
type Edge struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Number int64  `json:"number" doc:"of the version that was read, 0 where there is none"`
	Stale  bool   `json:"stale" doc:"a newer version serves now"`
	Part   bool   `json:"part" doc:"only part of its rows was read"`
}

// Graph is a lineage, drawn from left to right.
type Graph struct {
	Nodes []Node `json:"nodes" nullable:"false"`
	Edges []Edge `json:"edges" nullable:"false"`
	Focus string `json:"focus" doc:"id of the node asked about"`
	More  bool   `json:"more" doc:"there is more than can be shown"`
}

func (g *Graph) node(id string) *Node {
	i := slices.IndexFunc(g.Nodes, func(n Node) bool { return n.ID == id })
	if i < 0 {
		return nil
	}
	return &g.Nodes[i]
}

func (g *Graph) join(e Edge) {
	if !slices.ContainsFunc(g.Edges, func(o Edge) bool { return o.From == e.From && o.To == e.To }) {
		g.Edges = append(g.Edges, e)
	}
}

// layers puts every node right of what leads to it. Lineage has no cycle but through versions of different age; there an
// edge that would lead back is not counted.
func (g *Graph) layers() {
	for range len(g.Nodes) {
		moved := false
		for _, e := range g.Edges {
			from, to := g.node(e.From), g.node(e.To)
			if from != nil && to != nil && to.Layer <= from.Layer && from.Layer+1 < len(g.Nodes) {
				to.Layer, moved = from.Layer+1, true
			}
		}
		if !moved {
			break
		}
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- { // what leads to one thing only stands beside it
		n := &g.Nodes[i]
		last := len(g.Nodes)
		for _, e := range g.Edges {
			if to := g.node(e.To); e.From == n.ID && to != nil {
				last = min(last, to.Layer-1)
			}
		}
		if last < len(g.Nodes) && last > n.Layer && !slices.ContainsFunc(g.Edges, func(e Edge) bool { return e.To == n.ID }) {
			n.Layer = last
		}
	}
	slices.SortStableFunc(g.Nodes, func(a, b Node) int { return a.Layer - b.Layer })
}

// narrow leaves of a graph what one column of its focus comes from and goes into.
func (g *Graph) narrow(column string) {
	on := map[Source]bool{{g.Focus, column}: true}
	up, down := []Source{{g.Focus, column}}, []Source{{g.Focus, column}}
	keep := map[string]bool{g.Focus: true}
	makes := func(step string) string { // the dataset a step makes
		for _, e := range g.Edges {
			if e.From == step {
				return e.To
			}
		}
		return step // an answer
	}
	for len(up) > 0 {
		at := up[0]
		up = up[1:]
		for _, n := range g.Nodes {
			if n.Kind != "step" && n.Kind != "answer" || makes(n.ID) != at.Dataset {
				continue
			}
			for _, l := range n.Links {
				if l.Name != at.Column {
					continue
				}
				keep[n.ID] = true
				for _, s := range l.From {
					if keep[s.Dataset] = true; !on[s] {
						on[s] = true
						up = append(up, s)
					}
				}
			}
		}
	}
	for len(down) > 0 {
		at := down[0]
		down = down[1:]
		for _, n := range g.Nodes {
			for _, l := range n.Links {
				if !slices.Contains(l.From, at) {
					continue
				}
				to := Source{makes(n.ID), l.Name}
				keep[n.ID], keep[to.Dataset] = true, true
				if !on[to] {
					on[to] = true
					down = append(down, to)
				}
			}
		}
	}
	for _, e := range g.Edges { // and the files
		if n := g.node(e.From); n != nil && keep[e.To] && (n.Kind == "file" || n.Kind == "feed" || n.Kind == "other") {
			keep[e.From] = true
		}
	}
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n Node) bool { return !keep[n.ID] })
	g.Edges = slices.DeleteFunc(g.Edges, func(e Edge) bool { return !keep[e.From] || !keep[e.To] })
	for i := range g.Nodes {
		for j := range g.Nodes[i].Columns {
			c := &g.Nodes[i].Columns[j]
			c.Marked = on[Source{g.Nodes[i].ID, c.Name}]
		}
	}
}
