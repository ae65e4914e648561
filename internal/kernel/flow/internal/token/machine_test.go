package token

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"qushu/internal/kernel/flow/internal/bpmn"
)

// sketch draws "a:user b:end a>b a>c?x": nodes with kinds, flows with conditions, "a!b" for a default.
func sketch(t *testing.T, text string) *bpmn.Process {
	t.Helper()
	kinds := map[string]bpmn.Kind{"start": bpmn.Start, "end": bpmn.End, "user": bpmn.User, "xor": bpmn.Exclusive, "and": bpmn.Parallel, "or": bpmn.Inclusive, "sub": bpmn.Sub}
	p := &bpmn.Process{ID: "p"}
	for word := range strings.FieldsSeq(text) {
		if name, kind, ok := strings.Cut(word, ":"); ok {
			n := &bpmn.Node{ID: name}
			kind, n.In, _ = strings.Cut(kind, "@")
			switch {
			case strings.HasPrefix(kind, "timer="), strings.HasPrefix(kind, "stop="):
				n.Kind, n.Event = bpmn.Boundary, &bpmn.Trigger{On: kind[strings.Index(kind, "=")+1:], Cancels: strings.HasPrefix(kind, "stop=")}
			case kind == "kill":
				n.Kind, n.Terminate = bpmn.End, true
			default:
				n.Kind = kinds[kind]
			}
			p.Nodes = append(p.Nodes, n)
			continue
		}
		ends, when, _ := strings.Cut(word, "?")
		from, to, ok := strings.Cut(ends, ">")
		f := &bpmn.Flow{ID: word, From: from, To: to, When: when}
		if !ok {
			f.From, f.To, _ = strings.Cut(ends, "!")
			p.Node(f.From).Default = f.ID
		}
		p.Flows = append(p.Flows, f)
	}
	return p
}

func eval(expr string, vars map[string]any) (any, error) {
	if expr == "bad" {
		return nil, errors.New("division by zero")
	}
	return vars[expr], nil
}

// stands names the activities where tokens are.
func stands(s State) string {
	var out []string
	for _, tok := range s.Tokens {
		if !tok.waits() {
			out = append(out, tok.Node)
		}
	}
	return strings.Join(out, " ")
}

func at(t *testing.T, s State, node string) int {
	t.Helper()
	for _, tok := range s.Tokens {
		if tok.Node == node && !tok.waits() {
			return tok.ID
		}
	}
	t.Fatalf("nothing stands at %s: %+v", node, s)
	return 0
}

func TestMoves(t *testing.T) {
	yes := map[string]any{"x": true}
	const twin = "s:start f:and a:user b:user j:and e:user z:end s>f f>a f>b a>j b>j j>e e>z"
	for _, c := range []struct {
		name, drawing string
		vars          map[string]any
		moves         string // finish a, fire a/t, jump a>b
		want          string // where it stands then
		fails         string
	}{
		{"one way by condition", "s:start g:xor a:user b:user z:end s>g g>a?x g!b a>z b>z", yes, "", "a", ""},
		{"the default", "s:start g:xor a:user b:user z:end s>g g>a?x g!b a>z b>z", nil, "", "b", ""},
		{"no way", "s:start g:xor a:user z:end s>g g>a?x a>z", nil, "", "", "flow.no_way"},
		{"a condition that fails", "s:start g:xor a:user z:end s>g g>a?bad a>z", nil, "", "", "flow.expression"},
		{"a join waits", twin, nil, "finish a", "b", ""},
		{"a join fires once", twin, nil, "finish a, finish b", "e", ""},
		{"back inside a branch leaves the other", "s:start f:and a:user c:user b:user j:and z:end s>f f>a a>c f>b c>j b>j j>z", nil, "finish a, jump c>a", "b a", ""},
		{"back before a fork takes all with it", "s:start o:user f:and a:user b:user j:and z:end s>o o>f f>a f>b a>j b>j j>z", nil, "finish o, finish a, jump b>o", "o", ""},
		{"and goes on from there", "s:start o:user f:and a:user b:user j:and z:end s>o o>f f>a f>b a>j b>j j>z", nil, "finish o, finish a, jump b>o, finish o, finish b, finish a", "", ""},
		{"not into another branch", twin, nil, "finish a, jump b>a", "", "flow.cannot_return"},
		{"not to what was not passed", twin, nil, "jump a>e", "", "flow.cannot_return"},
		{"a timer that interrupts", "s:start a:user t:stop=a l:user z:end s>a a>z t>l l>z", nil, "fire a/t", "l", ""},
		{"a timer beside", "s:start a:user t:timer=a l:user z:end s>a a>z t>l l>z", nil, "fire a/t", "a l", ""},
		{"not from beside the way into a block that has joined", "s:start f:and a:user q:timer=a u:user y:end b:user j:and e:user z:end s>f f>a f>b a>j b>j j>e e>z q>u u>y", nil,
			"fire a/q, finish a, finish b, jump u>a", "", "flow.cannot_return"},
		{"a timer ends a whole sub-process", "s:start p:sub i:start@p a:user@p y:end@p t:stop=p l:user z:end s>p p>z i>a a>y t>l l>z", nil, "fire p/t", "l", ""},
		{"a sub-process ends by itself", "s:start p:sub i:start@p a:user@p y:end@p l:user z:end s>p p>l i>a a>y l>z", nil, "finish a", "l", ""},
		{"out of a sub-process", "s:start o:user p:sub i:start@p a:user@p y:end@p z:end s>o o>p p>z i>a a>y", nil, "finish o, jump a>o", "o", ""},
		{"terminate", "s:start f:and a:user b:user k:kill z:end s>f f>a f>b a>k b>z", nil, "finish a", "", ""},
		{"gateways in a circle", "s:start a:xor b:xor z:end s>a a!b b!a", nil, "", "", "flow.endless"},
		{"a join of ways that exclude each other", "s:start g:xor a:user b:user j:and z:end s>g g>a?x g!b a>j b>j j>z", yes, "finish a", "", "flow.join_waits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Machine{sketch(t, c.drawing), eval}
			s, _, err := m.Start(c.vars)
			for move := range strings.SplitSeq(c.moves, ", ") {
				if err != nil || move == "" {
					break
				}
				verb, where, _ := strings.Cut(move, " ")
				switch verb {
				case "finish":
					s, _, err = m.Finish(s, at(t, s, where), c.vars)
				case "fire":
					on, event, _ := strings.Cut(where, "/")
					s, _, err = m.Fire(s, at(t, s, on), event, c.vars)
				case "jump":
					from, to, _ := strings.Cut(where, ">")
					s, _, err = m.Jump(s, at(t, s, from), to, c.vars)
				}
			}
			if c.fails != "" {
				if e, ok := errors.AsType[*Error](err); !ok || e.Key != c.fails || e.Element == "" {
					t.Fatal(fmt.Sprint(err))
				}
				return
			}
			if err != nil || stands(s) != c.want || s.Ended != (c.want == "") {
				t.Errorf("%q, want %q: %+v %v", stands(s), c.want, s, err)
			}
		})
	}
}
