package bpmn

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

var update = flag.Bool("update", false, "write the golden files anew")

// catalogue holds the texts of the flow package and of what it leans on.
func catalogue(t testing.TB) *errs.Catalog {
	t.Helper()
	c, err := errs.NewCatalog(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// file frames the inside of a process.
func file(process string, more ...string) []byte {
	return []byte(`<definitions xmlns="` + ModelNS + `" xmlns:qushu="` + OwnNS + `" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		strings.Join(more, "") + `<process id="p" name="P">` + process + `</process></definitions>`)
}

func parse(t testing.TB, src []byte) (*Process, []Finding) {
	t.Helper()
	p, out, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

// has returns the finding of a key about an element.
func has(out []Finding, element, key string) (Finding, bool) {
	i := slices.IndexFunc(out, func(f Finding) bool { return f.Element == element && f.Key == "flow.bpmn_"+key })
	if i < 0 {
		return Finding{}, false
	}
	return out[i], true
}

func want(t testing.TB, out []Finding, element, key string, kind Grade) Finding {
	t.Helper()
	f, ok := has(out, element, key)
	if !ok || f.Kind != kind {
		t.Errorf("no %s %s about %q in %s", kind, key, element, said(out))
	}
	return f
}

func said(out []Finding) string {
	var b strings.Builder
	for _, f := range out {
		fmt.Fprintf(&b, "\n  %s %s %s %v", f.Kind, f.Element, strings.TrimPrefix(f.Key, "flow.bpmn_"), f.Args)
	}
	return b.String()
}

// What other tools write is read; what is not taken over is named, in both languages.
func TestFilesOfOtherTools(t *testing.T) {
	words := catalogue(t)
	files, err := filepath.Glob("testdata/*.bpmn")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p, out, err := Read(src, nil)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "process %s %q, %d nodes, %d flows, %d lanes\n", p.ID, p.Name, len(p.Nodes), len(p.Flows), len(p.Lanes))
			for _, n := range p.Nodes {
				fmt.Fprintf(&b, "  %s %s %q", n.Kind, n.ID, n.Name)
				if n.Multi != nil {
					fmt.Fprintf(&b, " over %s, %d%%", n.Multi.Over, n.Multi.Percent)
				}
				if e := n.Event; e != nil && e.Timer != nil {
					fmt.Fprintf(&b, " after %v %s on %s", e.Timer.N, e.Timer.Unit, e.On)
				} else if e != nil {
					fmt.Fprintf(&b, " at message %q on %s", e.Message, e.On)
				}
				b.WriteByte('\n')
			}
			for _, kind := range []Grade{Error, Warning, Dropped} {
				fmt.Fprintf(&b, "%s\n", kind)
				for _, f := range out {
					if f.Kind == kind {
						fmt.Fprintf(&b, "  %s %q: %s | %s\n", f.Element, f.Name, f.Text(words, "zh"), f.Text(words, "en"))
					}
				}
			}
			golden := strings.TrimSuffix(name, ".bpmn") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			old, err := os.ReadFile(golden)
			if err != nil || string(old) != b.String() {
				t.Errorf("%v; now:\n%s", err, b.String())
			}
			again, more, err := Parse(Write(p))
			if err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("written and read again it differs: %v %s", err, said(more))
			}
		})
	}
}

func TestRefusesWhatIsNoDrawing(t *testing.T) {
	deep := strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70)
	for _, c := range []struct{ name, src, key string }{
		{"empty", "", "flow.bpmn_not_xml"},
		{"text", "hello", "flow.bpmn_not_xml"},
		{"cut off", string(file("<startEvent"))[:200], "flow.bpmn_not_xml"},
		{"entity", `<definitions xmlns="` + ModelNS + `">&boom;</definitions>`, "flow.bpmn_not_xml"},
		{"document type", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a/>`, "flow.bpmn_doctype"},
		{"other XML", `<html/>`, "flow.bpmn_not_bpmn"},
		{"other namespace", `<definitions xmlns="http://example.org/"><process/></definitions>`, "flow.bpmn_not_bpmn"},
		{"no process", `<definitions xmlns="` + ModelNS + `"/>`, "flow.bpmn_no_process"},
		{"deep", deep, "flow.bpmn_too_deep"},
		{"many elements", `<definitions xmlns="` + ModelNS + `">` + strings.Repeat("<a/>", maxElements) + `</definitions>`, "flow.bpmn_too_deep"},
		{"many nodes", string(file(strings.Repeat("<userTask/>", maxNodes+5))), "flow.bpmn_too_many"},
		{"large", string(file(strings.Repeat(" ", maxSize))), "flow.bpmn_too_big"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Parse([]byte(c.src))
			if !errs.Is(err, errs.Invalid) || errs.KeyOf(err) != c.key {
				t.Errorf("got %v, want %s", err, c.key)
			}
		})
	}
}

// The prefix is the file's own affair; elements of other namespaces with BPMN's names are not BPMN.
func TestNamespacesCountNotPrefixes(t *testing.T) {
	src := `<x:definitions xmlns:x="` + ModelNS + `" xmlns="urn:other"><process id="not"/><x:process id="yes"><userTask id="no"/><x:userTask id="u"/></x:process></x:definitions>`
	p, _ := parse(t, []byte(src))
	if p.ID != "yes" || len(p.Nodes) != 1 || p.Nodes[0].ID != "u" {
		t.Errorf("read %+v", p)
	}
}

func TestTimers(t *testing.T) {
	for _, c := range []struct {
		xml string
		n   float64
		u   when.Unit
		key string
	}{
		{"<timeDuration>PT4H</timeDuration>", 4, when.UrgentHour, ""},
		{"<timeDuration> P3D </timeDuration>", 3, when.Day, ""},
		{"<timeDuration>P2W</timeDuration>", 14, when.Day, ""},
		{"<timeDuration>PT30M</timeDuration>", 0.5, when.UrgentHour, ""},
		{"<timeDuration>P1DT12H</timeDuration>", 36, when.UrgentHour, ""},
		{"<timeDuration>P1M</timeDuration>", 0, "", "no_duration"},
		{"<timeDuration>PT</timeDuration>", 0, "", "no_duration"},
		{"<timeDuration>${wait}</timeDuration>", 0, "", "no_duration"},
		{"<timeCycle>0 0 9 * * ?</timeCycle>", 0, "", "no_duration"},
		{"<timeDate>2026-01-01T00:00:00Z</timeDate>", 0, "", "no_date"},
		{`<extensionElements><qushu:limit n="2" unit="work_day"/></extensionElements><timeDuration>P9D</timeDuration>`, 2, when.WorkDay, ""},
	} {
		p, out := parse(t, file(`<userTask id="u"/><boundaryEvent id="b" attachedToRef="u"><timerEventDefinition>`+c.xml+`</timerEventDefinition></boundaryEvent>`))
		e := p.Node("b").Event
		if c.key != "" {
			want(t, out, "b", c.key, Error)
			if e.Timer != nil {
				t.Errorf("%s gave %v", c.xml, e.Timer)
			}
		} else if e.Timer == nil || e.Timer.N != c.n || e.Timer.Unit != c.u || len(out) > 0 {
			t.Errorf("%s gave %+v %s", c.xml, e.Timer, said(out))
		}
	}
	p, _ := parse(t, file(`<userTask id="u"/><boundaryEvent id="b" cancelActivity="false" attachedToRef="u"><timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition></boundaryEvent>`))
	if e := p.Node("b").Event; !e.Repeat || e.MaxTimes != 3 || e.Timer.N != 1 || e.Cancels {
		t.Errorf("a cycle gave %+v", e)
	}
}

func TestRepetitions(t *testing.T) {
	for _, c := range []struct {
		attrs, inside, over string
		percent             int
		key                 string
		kind                Grade
	}{
		{`qushu:over="units" qushu:percent="50"`, ``, "units", 50, "", ""},
		{``, `<loopCardinality>3</loopCardinality>`, "[1, 2, 3]", 0, "cardinality", Warning},
		{``, `<loopCardinality>${n}</loopCardinality>`, "", 0, "no_cardinality", Error},
		{`camunda:collection="${units}"`, `<completionCondition>${nrOfCompletedInstances/nrOfInstances >= 0.6}</completionCondition>`, "units", 60, "collection", Warning},
		{`camunda:collection="units"`, `<completionCondition>${nrOfCompletedInstances == 1}</completionCondition>`, "units", 1, "collection", Warning},
		{`camunda:collection="units"`, `<completionCondition>${approved}</completionCondition>`, "units", 0, "no_completion", Error},
		{``, `<loopDataInputRef>people</loopDataInputRef>`, "people", 0, "collection", Warning},
	} {
		p, out := parse(t, file(`<userTask id="u"><multiInstanceLoopCharacteristics isSequential="true" `+c.attrs+`>`+c.inside+`</multiInstanceLoopCharacteristics></userTask>`))
		if m := p.Node("u").Multi; m == nil || m.Over != c.over || m.Percent != c.percent || !m.Sequential {
			t.Errorf("%s %s gave %+v", c.attrs, c.inside, m)
		}
		if c.key != "" {
			want(t, out, "u", c.key, c.kind)
		}
	}
}

func TestConditionsOfOtherEngines(t *testing.T) {
	for src, bare := range map[string]string{"${approved}": "approved", "#{a == 1}": "a == 1", "=amount > 5": "amount > 5", "a == b": "a == b", "${a} and ${b}": "${a} and ${b}"} {
		p, out := parse(t, file(`<sequenceFlow id="f" sourceRef="a" targetRef="b"><conditionExpression xsi:type="tFormalExpression">`+strings.ReplaceAll(src, ">", "&gt;")+`</conditionExpression></sequenceFlow>`))
		if _, named := has(out, "f", "expression_frame"); p.Flows[0].When != bare || named != (src != bare) {
			t.Errorf("%q became %q %s", src, p.Flows[0].When, said(out))
		}
	}
	_, out := parse(t, file(`<sequenceFlow id="f" sourceRef="a" targetRef="b"><conditionExpression language="http://www.java.com/java">return x;</conditionExpression></sequenceFlow>`))
	want(t, out, "f", "language", Warning)
}

// jBPM, Activiti and Signavio say who acts, and what data goes where, each in its own way.
func TestWhatIsNotTakenOverIsNamed(t *testing.T) {
	_, out := parse(t, []byte(`<bpmn2:definitions xmlns:bpmn2="`+ModelNS+`" xmlns:drools="http://www.jboss.org/drools" xmlns:signavio="http://www.signavio.com" xmlns:activiti="http://activiti.org/bpmn">
	<bpmn2:collaboration id="c"><bpmn2:participant id="out" name="Citizen"/><bpmn2:participant id="in" name="Pool" processRef="p"/><bpmn2:messageFlow id="m" name="letter" sourceRef="out" targetRef="u"/></bpmn2:collaboration>
	<bpmn2:process id="p" name="P" drools:packageName="x">
	<bpmn2:startEvent id="s"><bpmn2:signalEventDefinition/></bpmn2:startEvent>
	<bpmn2:userTask id="u" name="U" activiti:candidateGroups="sales"><bpmn2:extensionElements><signavio:signavioMetaData metaKey="bgcolor"/></bpmn2:extensionElements>
		<bpmn2:ioSpecification/><bpmn2:potentialOwner><bpmn2:resourceAssignmentExpression><bpmn2:formalExpression>john</bpmn2:formalExpression></bpmn2:resourceAssignmentExpression></bpmn2:potentialOwner><bpmn2:standardLoopCharacteristics/></bpmn2:userTask>
	<bpmn2:userTask id="v" startQuantity="2" isForCompensation="true"><bpmn2:extensionElements><signavio:signavioMetaData metaKey="bgcolor"/></bpmn2:extensionElements></bpmn2:userTask>
	<bpmn2:endEvent id="e"><bpmn2:messageEventDefinition/></bpmn2:endEvent><bpmn2:endEvent id="x"><bpmn2:errorEventDefinition/></bpmn2:endEvent>
	<bpmn2:boundaryEvent id="b" attachedToRef="u"><bpmn2:timerEventDefinition><bpmn2:timeDuration>PT1H</bpmn2:timeDuration></bpmn2:timerEventDefinition><bpmn2:signalEventDefinition/></bpmn2:boundaryEvent>
	<bpmn2:boundaryEvent id="err" attachedToRef="u"><bpmn2:errorEventDefinition/></bpmn2:boundaryEvent>
	<bpmn2:dataObject id="d" name="D"/><bpmn2:group id="g"/><bpmn2:association id="a"/><bpmn2:textAnnotation id="t"><bpmn2:text>note</bpmn2:text></bpmn2:textAnnotation><bpmn2:auditing/>
	</bpmn2:process></bpmn2:definitions>`))
	for _, c := range []struct {
		element, key string
		kind         Grade
	}{
		{"out", "drop_pool", Dropped}, {"in", "pool_name", Dropped}, {"m", "drop_message_flow", Dropped},
		{"s", "start_event", Dropped}, {"u", "who_foreign", Dropped}, {"u", "drop_other", Dropped}, {"u", "no_loop", Error},
		{"v", "no_quantity", Error}, {"v", "no_compensation", Error}, {"e", "end_event", Dropped}, {"x", "no_end_event", Error},
		{"b", "no_second_event", Error}, {"err", "no_boundary_event", Error}, {"d", "drop_data", Dropped}, {"g", "drop_group", Dropped},
		{"a", "drop_association", Dropped}, {"p", "drop_other", Dropped}, {"p", "foreign", Dropped},
	} {
		want(t, out, c.element, c.key, c.kind)
	}
	if f := want(t, out, "t", "drop_note", Dropped); f.Name != "note" {
		t.Errorf("the annotation is called %q", f.Name)
	}
	n := 0
	for _, f := range out {
		if f.Key == "flow.bpmn_who_foreign" {
			n++
		}
		if f.Key == "flow.bpmn_foreign" && f.Element == "u" && !slices.Equal(f.Args, []any{"signavio:signavioMetaData", 2, "u, v"}) {
			t.Errorf("said %v", f.Args)
		}
	}
	if n != 2 {
		t.Errorf("%d ways of saying who acts were named, not 2", n)
	}
}

// What cannot run stays in the drawing as what it is, and is refused as long as it stands there.
func TestUnsupportedStaysInTheDrawing(t *testing.T) {
	for name, key := range unsupported {
		if strings.Contains(strings.ToLower(name), "choreography") {
			continue // has no place in a process that runs
		}
		xml := "<" + name + ` id="x" name="X"/>`
		if name == string(eventSub) {
			xml = `<subProcess id="x" name="X" triggeredByEvent="true"/>`
		}
		p, out := parse(t, file(xml))
		want(t, out, "x", strings.TrimPrefix(key, "flow.bpmn_"), Error)
		again, _ := parse(t, Write(p))
		if again.Node("x").Kind != Kind(name) {
			t.Errorf("%s became %s", name, again.Node("x").Kind)
		}
		want(t, Check(again, nil), "x", strings.TrimPrefix(key, "flow.bpmn_"), Error)
	}
	_, out := parse(t, []byte(`<definitions xmlns="`+ModelNS+`"><choreography id="c"/><process id="a"><userTask id="u"/></process><process id="b"><startEvent id="s"/><endEvent id="e"/></process></definitions>`))
	want(t, out, "c", "no_choreography", Error)
	want(t, out, "a", "several_processes", Error)
}

func TestLanes(t *testing.T) {
	p, out := parse(t, file(`<laneSet><lane id="l" name="District"><extensionElements><qushu:who kind="role" id="chief"/></extensionElements><flowNodeRef>a</flowNodeRef><flowNodeRef>b</flowNodeRef>
		<childLaneSet><lane id="i" name="Office"><flowNodeRef>a</flowNodeRef></lane></childLaneSet></lane></laneSet><userTask id="a"/><userTask id="b"/>`))
	want(t, out, "l", "lane_outer", Dropped)
	role := []Who{{Kind: "role", ID: "chief"}}
	if !reflect.DeepEqual(p.Lanes, []Lane{{"i", "District / Office", []string{"a"}, role}, {"l", "District", []string{"b"}, role}}) {
		t.Errorf("lanes %+v", p.Lanes)
	}
	if p.Node("a").Lane != "i" || p.Node("b").Lane != "l" || !reflect.DeepEqual(p.WhoOf(p.Node("a")), role) {
		t.Error("the lanes of the nodes are wrong")
	}
}

func TestOwnExtensionsThatAreWrong(t *testing.T) {
	_, out := parse(t, file(`<extensionElements><qushu:limit n="soon" unit="day"/><qushu:colour/></extensionElements>
		<userTask id="u"><extensionElements><qushu:task percent="half" batch="maybe"><qushu:vote/></qushu:task></extensionElements></userTask>
		<userTask id="u"/><sequenceFlow sourceRef="u" targetRef="u"/>`))
	want(t, out, "p", "number", Error)
	want(t, out, "p", "own", Warning)
	want(t, out, "u", "number", Error)
	want(t, out, "u", "own", Warning)
	want(t, out, "u", "id_twice", Error)
}

// A diagram in which something is missing is drawn anew; one that is whole is kept, point by point.
func TestDiagramIsKeptOrDrawnAnew(t *testing.T) {
	p, _ := parse(t, file(`<startEvent id="s"/><endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="e"/>`))
	if p.Drawn() {
		t.Fatal("nothing is drawn")
	}
	Layout(p)
	whole := string(Write(p))
	again, out := parse(t, []byte(whole))
	if !reflect.DeepEqual(again, p) || len(out) > 0 {
		t.Errorf("read again %s", said(out))
	}
	torn := regexp.MustCompile(`(?s)<bpmndi:BPMNShape id="e_di_1".*?</bpmndi:BPMNShape>`).ReplaceAllString(whole, "")
	again, out = parse(t, []byte(torn))
	want(t, out, "p", "drawn_anew", Warning)
	if again.Drawn() || len(again.Shapes)+len(again.Edges) > 0 {
		t.Error("half a diagram was kept")
	}
}

// Every word said is in the catalogue, and the catalogue has no word that is never said.
func TestTextsAreComplete(t *testing.T) {
	words := catalogue(t)
	used := map[string]bool{}
	files, _ := filepath.Glob("*.go")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, key := range regexp.MustCompile(`flow\.bpmn_[a-z_]+`).FindAllString(string(src), -1) {
			used[key] = true
			if !words.Has(key) {
				t.Errorf("%s has no text", key)
			}
		}
	}
	for _, key := range words.Keys() {
		if strings.HasPrefix(key, "flow.bpmn_") && !used[key] {
			t.Errorf("%s is never said", key)
		}
	}
}
