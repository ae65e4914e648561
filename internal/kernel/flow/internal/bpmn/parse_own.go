package bpmn

import (
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/when"
)

// strange is something another tool adds, with the elements it stands on.
type strange struct {
	what string
	ids  []string
	name string // of the first
}

// tools are the namespaces of other tools and the prefixes people know them by.
var tools = map[string]string{
	"http://camunda.org/schema/1.0/bpmn":          "camunda",
	"http://activiti.org/bpmn":                    "activiti",
	"http://flowable.org/bpmn":                    "flowable",
	"http://camunda.org/schema/zeebe/1.0":         "zeebe",
	"http://www.signavio.com":                     "signavio",
	"http://www.jboss.org/drools":                 "drools",
	"http://www.omg.org/bpmn20":                   "drools",
	"http://processmaker.com/BPMN/2.0/Schema.xsd": "pm",
	"http://camunda.org/schema/modeler/1.0":       "modeler",
	"http://bpmn.io/schema/bpmn/biocolor/1.0":     "bioc",
}

// unseen are namespaces that say nothing about the flow: XML's own, and colours.
var unseen = map[string]bool{"": true, "xmlns": true, "http://www.w3.org/XML/1998/namespace": true, "http://www.w3.org/2001/XMLSchema-instance": true,
	OwnNS: true, ModelNS: true, "http://bpmn.io/schema/bpmn/biocolor/1.0": true, "http://www.omg.org/spec/BPMN/non-normative/color/1.0": true}

// acting are the attributes by which other engines say who acts.
var acting = map[string]bool{"assignee": true, "candidateUsers": true, "candidateGroups": true, "actorId": true, "groupId": true, "candidateStarterUsers": true, "candidateStarterGroups": true,
	"assignment": true, "assignedUsers": true, "assignedGroups": true}

func prefixed(space, name string) string {
	p := tools[space]
	if p == "" {
		p = strings.TrimRight(space, "/#")
		p = p[strings.LastIndexAny(p, "/:")+1:]
	}
	return p + ":" + name
}

// own lists our extension elements of an element.
func own(e *element) []*element {
	var out []*element
	if x := e.kid("extensionElements"); x != nil {
		for _, k := range x.kids {
			if k.space == OwnNS {
				out = append(out, k)
			}
		}
	}
	return out
}

// foreign names what other tools add to an element: people at once, the rest together at the end. but are attributes
// the caller reads himself.
func (r *reader) foreign(e *element, id, name string, but ...string) {
	for _, a := range e.attrs {
		switch {
		case unseen[a.Name.Space] || slices.Contains(but, a.Name.Local):
		case acting[a.Name.Local]:
			r.say(Dropped, id, name, "flow.bpmn_who_foreign", prefixed(a.Name.Space, a.Name.Local), a.Value)
		default:
			r.stranger(prefixed(a.Name.Space, a.Name.Local), id, name)
		}
	}
	x := e.kid("extensionElements")
	if x == nil {
		return
	}
	for _, k := range x.kids {
		if unseen[k.space] {
			continue
		}
		what := prefixed(k.space, k.name)
		who := false
		for _, a := range k.attrs {
			if acting[a.Name.Local] && k.name == "assignmentDefinition" {
				r.say(Dropped, id, name, "flow.bpmn_who_foreign", what+" "+a.Name.Local, a.Value)
				who = true
			}
		}
		if !who {
			r.stranger(what, id, name)
		}
	}
}

func (r *reader) stranger(what, id, name string) {
	i := slices.IndexFunc(r.strange, func(s *strange) bool { return s.what == what })
	if i < 0 && len(r.strange) >= maxStrange {
		r.more = true
	} else if i < 0 {
		r.strange = append(r.strange, &strange{what: what, ids: []string{id}, name: name})
	} else if s := r.strange[i]; !slices.Contains(s.ids, id) {
		s.ids = append(s.ids, id)
	}
}

// strangers names what other tools added, each thing once with the elements it stands on.
func (r *reader) strangers() {
	for _, s := range r.strange {
		list := strings.Join(s.ids[:min(5, len(s.ids))], ", ")
		if len(s.ids) > 5 {
			list += " …"
		}
		r.say(Dropped, s.ids[0], s.name, "flow.bpmn_foreign", s.what, len(s.ids), list)
	}
}

// extensions reads what we say ourselves about a node.
func (r *reader) extensions(e *element, n *Node) {
	if n.Kind == User {
		n.Task = &Task{}
	}
	for _, x := range own(e) {
		switch {
		case x.name == "task" && n.Kind == User:
			r.task(x, n)
		case x.name == "job" && n.Kind == Service:
			n.Service = &Job{Name: x.attr("name")}
			for _, a := range x.kids {
				if a.space == OwnNS && a.name == "arg" {
					if n.Service.Args == nil {
						n.Service.Args = map[string]string{}
					}
					n.Service.Args[a.attr("name")] = a.attr("value")
				}
			}
		default:
			r.say(Warning, n.ID, n.Name, "flow.bpmn_own", x.name)
		}
	}
}

func (r *reader) task(x *element, n *Node) {
	t := n.Task
	id, name := n.ID, n.Name
	t.Share, t.Form = Share(x.attr("share")), x.attr("form")
	t.Percent = r.whole(x, "percent", id, name)
	t.Batch, t.Opinion = r.yes(x, "batch", id, name), r.yes(x, "opinion", id, name)
	for _, k := range x.kids {
		if k.space != OwnNS {
			r.say(Warning, id, name, "flow.bpmn_own", k.name)
			continue
		}
		switch k.name {
		case "who":
			t.Who = append(t.Who, whoOf(k))
		case "right":
			t.Rights = append(t.Rights, Right{k.attr("field"), k.attr("may")})
		case "outcome":
			t.Outcomes = append(t.Outcomes, Action{Key: k.attr("key"), Name: k.attr("name"), Agree: r.yes(k, "agree", id, name), Reason: r.yes(k, "reason", id, name), Choose: k.attr("choose")})
		case "limit":
			t.Limit = append(t.Limit, r.limit(k, id, name))
		case "warn":
			t.Warn = append(t.Warn, r.whole(k, "percent", id, name))
		case "escalate":
			t.Escalate = append(t.Escalate, Escalation{r.whole(k, "percent", id, name), whos(k), k.attr("do")})
		case "copy":
			t.Copy = append(t.Copy, whos(k)...)
		case "phrase":
			t.Phrases = append(t.Phrases, k.attr("text"))
		case "deny":
			t.Deny = append(t.Deny, k.attr("verb"))
		default:
			r.say(Warning, id, name, "flow.bpmn_own", k.name)
		}
	}
}

func whoOf(e *element) Who { return Who{e.attr("kind"), e.attr("id"), e.attr("of"), e.attr("level")} }

func whos(e *element) []Who {
	var out []Who
	for _, k := range e.kids {
		if k.space == OwnNS && k.name == "who" {
			out = append(out, whoOf(k))
		}
	}
	return out
}

func (r *reader) limit(e *element, id, name string) Limit {
	f, err := strconv.ParseFloat(e.attr("n"), 64)
	if err != nil || f != f || f > 1e9 || f < -1e9 {
		r.say(Error, id, name, "flow.bpmn_number", "n", e.attr("n"))
		f = 0
	}
	return Limit{f, when.Unit(e.attr("unit")), e.attr("when")}
}

func (r *reader) whole(e *element, attr, id, name string) int {
	if s := e.attr(attr); s != "" {
		return r.number(s, attr, id, name)
	}
	return 0
}

func (r *reader) number(s, attr, id, name string) int {
	i, err := strconv.Atoi(s)
	if err != nil || i > 1e6 || i < -1e6 {
		r.say(Error, id, name, "flow.bpmn_number", attr, s)
		return 0
	}
	return i
}

func (r *reader) yes(e *element, attr, id, name string) bool {
	switch s := e.attr(attr); s {
	case "true", "1":
		return true
	case "", "false", "0":
	default:
		r.say(Error, id, name, "flow.bpmn_number", attr, s)
	}
	return false
}
