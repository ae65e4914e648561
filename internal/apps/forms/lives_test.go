package forms

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// town is a small district with somebody in every role.
type town struct {
	*kerneltest.Env
	t     *testing.T
	units map[string]string // by name
	who   map[string]*room.Actor
}

const (
	streetCode    = "420111001"
	communityCode = "420111001002"
)

func newTown(t *testing.T, e *kerneltest.Env) *town {
	t.Helper()
	installed(t, e)
	w := &town{e, t, map[string]string{}, map[string]*room.Actor{}}
	w.unit("区", "district", "", "", "")
	w.unit("区机关事务中心", "department", "区", "", "")
	w.unit("狮子山街道", "street", "区", streetCode, "")
	w.unit("幸福社区", "community", "狮子山街道", "", communityCode)
	w.unit("司法所", "institution", "狮子山街道", "", "")
	w.person("grid", "幸福社区", false, "dispute_registrar")
	w.person("centre", "狮子山街道", false, "dispute_centre")
	w.person("mediator1", "司法所", false, "dispute_mediator")
	w.person("mediator2", "狮子山街道", false, "dispute_mediator")
	w.person("mediator3", "幸福社区", false, "dispute_mediator")
	w.person("clerk", "区机关事务中心", false, "partystudy_secretary")
	w.person("boss", "区机关事务中心", true)
	for _, role := range []string{"vehicle_dispatcher", "vehicle_driver", "meetingroom_keeper", "repair_desk", "repair_worker", "supplies_keeper", "supplies_manager", "canteen_manager", "visitor_gate",
		"partystudy_office", "lawday_office", "legaladvice_clerk", "legaladvice_counsel", "archive_keeper", "archive_head", "itreview_reviewer"} {
		w.person(role, "区机关事务中心", false, role)
	}
	for i := range 3 {
		w.person(fmt.Sprintf("expert%d", i+1), "区机关事务中心", false, "itreview_expert")
	}
	return w
}

func (w *town) unit(name, kind, parent, street, code string) {
	w.t.Helper()
	var out struct{ ID string }
	w.Get(w.t, w.Administrator(room.System), "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":%q,"parent":%q,"street":%q,"code":%q}`, "测试"+name, kind, w.units[parent], street, code), &out)
	w.units[name] = out.ID
}

func (w *town) person(name, unit string, leader bool, roles ...string) {
	w.t.Helper()
	w.who[name] = w.Employ(w.t, name, called(name), w.units[unit], leader, roles...)
}

// called is a name of letters only.
func called(name string) string {
	return "张" + strings.NewReplacer("_", "", "1", "甲", "2", "乙", "3", "丙").Replace(name)
}

// upload returns the id of a file of an actor's that hangs on nothing yet.
func (w *town) upload(as *room.Actor) string {
	w.t.Helper()
	var up, f struct{ ID string }
	w.Get(w.t, as, "POST /api/file/uploads", `{"name":"现场.jpg","size":5}`, &up)
	w.Get(w.t, as, "PUT /api/file/uploads/"+up.ID+"?offset=0", "hello", nil)
	w.Get(w.t, as, "POST /api/file/uploads/"+up.ID+"/done", "", &f)
	return f.ID
}

// fill puts what a test cannot know into the words of a form.
func (w *town) fill(as *room.Actor, text string) string {
	w.t.Helper()
	for strings.Contains(text, "$file") {
		text = strings.Replace(text, "$file", w.upload(as), 1)
	}
	for name, id := range w.units {
		text = strings.ReplaceAll(text, "$unit:"+name+";", id)
	}
	for name, a := range w.who {
		text = strings.ReplaceAll(text, "$person:"+name+";", a.Person)
	}
	for strings.Contains(text, "$res:") {
		_, rest, _ := strings.Cut(text, "$res:")
		key, _, _ := strings.Cut(rest, ";")
		appKey, item, _ := strings.Cut(key, "/")
		text = strings.ReplaceAll(text, "$res:"+key+";", resource(w.t, w.Env, appKey, item))
	}
	return text
}

// act is what somebody does at a step; to are those he chooses for a later one.
type act struct {
	who, step, outcome, data string
	to                       []string
}

// do finishes a step through the case's own door.
func (w *town) do(t *testing.T, e *Entry, a act) {
	t.Helper()
	as := w.who[a.who]
	var of struct {
		Mine []struct{ ID, Node string }
	}
	w.Get(t, as, "GET /api/flow/cases/"+e.Case, "", &of)
	body := map[string]any{"verb": "submit", "outcome": a.outcome, "opinion": "同意", "reason": "情况属实", "data": json.RawMessage(w.fill(as, a.data))}
	for _, k := range of.Mine {
		if k.Node == a.step {
			body["task"] = k.ID
		}
	}
	if body["task"] == nil {
		t.Fatalf("%s has no %s: it is at %s with %s", a.who, a.step, e.Step, e.Holder)
	}
	var to []string
	for _, name := range a.to {
		to = append(to, w.who[name].Person)
	}
	body["to"] = to
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	w.Get(t, as, "POST /api/flow/cases/"+e.Case+"/deeds", string(b), nil)
}

// life is an entry from its beginning to its end, at each step what is filled in and by whom.
type life struct {
	app, who, data string
	acts           []act
	level          string
	value          string // key of a figure that is 1 afterwards
}

const place = `{"lon":114.33,"lat":30.5,"text":"幸福小区3栋","community":"` + communityCode + `"}`

func lives() []life {
	return []life{
		{"dispute", "grid", `{"title":"甲与乙为楼道堆物争吵","source":"grid","category":"neighbour","story":"楼道堆物多次劝说不听","people":12,"behaviour":["words"],"location":` + place + `,
			"parties":[{"name":"欧阳小三","role":"asks","idcard":"42019919900101003X","phone":"13800005678"},{"name":"李四","role":"asked"}],"photos":[{"id":"$file","lon":114.33,"lat":30.5,"at":"2023-06-01T08:00:00+08:00"},{"id":"$file"},{"id":"$file"}]}`,
			[]act{{"centre", "grading", "accept", `{"grading":"较大","repeat":"no"}`, nil},
				{"centre", "dispatch", "assign", `{"lead":"$unit:司法所;","method":"people","partners":[{"partner":"$unit:幸福社区;"}]}`, []string{"mediator1", "mediator2", "mediator3"}},
				{"mediator1", "contact", "", `{"contacted":"2023-06-02"}`, nil},
				{"mediator1", "mediate", "done", `{"records":[{"day":"2023-06-03","who":"甲、乙","what":"双方同意清理"}],"result":"settled"}`, nil},
				{"mediator2", "mediate", "done", `{}`, nil},
				{"mediator3", "mediate", "done", `{}`, nil},
				{"mediator1", "agreement", "", `{"agreement":[{"id":"$file"}],"signed":{"file":"$file"},"confirmed":"no"}`, nil},
				{"grid", "visit", "stable", `{"visited":"2023-06-08","satisfied":"very"}`, nil},
				{"centre", "close", "", `{"filing":"2023-001"}`, nil}}, "yellow", "settled"},
		{"vehicle", "clerk", `{"reason":"survey","destination":"光谷","trip":{"from":"2023-06-02T09:00:00+08:00","until":"2023-06-02T12:00:00+08:00"},"riders":3,"phone":"13800005678"}`,
			[]act{{"boss", "approve", "agree", `{}`, nil}, {"vehicle_dispatcher", "dispatch", "sent", `{"car":"$res:vehicle/a1;","driver":"王师傅"}`, nil},
				{"vehicle_driver", "depart", "", `{"km_out":1000}`, nil}, {"vehicle_driver", "back", "", `{"km_back":1042.5,"fuel":3000,"toll":1250}`, nil},
				{"vehicle_dispatcher", "costs", "", `{}`, nil}, {"clerk", "rate", "", `{"rating":"good"}`, nil}}, "", "trips"},
		{"meetingroom", "clerk", `{"topic":"全区数字化推进会","slot":{"from":"2023-06-02T09:00:00+08:00","until":"2023-06-02T11:00:00+08:00"},"room":"$res:meetingroom/r101;","people":120,"gear":["screen"],"tea":"yes"}`,
			[]act{{"meetingroom_keeper", "approve", "agree", `{}`, nil}, {"clerk", "arrive", "", `{}`, nil}, {"clerk", "leave", "", `{"order":"repair","present":110}`, nil}, {"meetingroom_keeper", "inspect", "", `{}`, nil}}, "", "used"},
		{"repair", "clerk", `{"kind":"power","spot":"3楼东","trouble":"跳闸","urgent":"yes","phone":"13800005678"}`,
			[]act{{"repair_desk", "accept", "accept", `{"worker":"赵师傅"}`, nil}, {"repair_worker", "fix", "", `{"done":"更换空开","parts":[{"part":"空气开关","count":1,"price":4500}]}`, nil},
				{"clerk", "check", "again", `{"stars":"bad"}`, nil}, {"repair_worker", "fix", "", `{"done":"再次更换"}`, nil}, {"clerk", "check", "fine", `{"stars":"good"}`, nil}}, "urgent", "all"},
		{"supplies", "clerk", `{"purpose":"二季度办公","items":[{"sku":"toner","count":4,"price":30000},{"sku":"paper","count":10,"price":2500}]}`,
			[]act{{"boss", "approve", "agree", `{}`, nil}, {"supplies_manager", "office", "agree", `{}`, nil}, {"supplies_keeper", "issue", "", `{"issued":"2023-06-02"}`, nil}, {"clerk", "receive", "", `{"receipt":{"file":"$file"}}`, nil}}, "", "all"},
		{"canteen", "clerk", `{"day":"2023-06-02","meals":["lunch"],"people":8,"guest":"yes","letter":[{"id":"$file"}],"hosts":2}`,
			[]act{{"boss", "approve", "agree", `{}`, nil}, {"canteen_manager", "serve", "", `{"served":7}`, nil}, {"clerk", "rate", "", `{"taste":"good"}`, nil}}, "", "orders"},
		{"visitor", "clerk", `{"purpose":"项目洽谈","host":"$person:boss;","stay":{"from":"2023-06-02T09:00:00+08:00","until":"2023-06-02T11:00:00+08:00"},"spot":"306","guests":[{"name":"钱七","phone":"13800005678","tail":"003X"}]}`,
			[]act{{"boss", "confirm", "agree", `{}`, nil}, {"visitor_gate", "gate", "enter", `{"came":"2023-06-02T09:05:00+08:00","counted":1}`, nil}, {"visitor_gate", "leave", "", `{"went":"2023-06-02T10:30:00+08:00"}`, nil}}, "", "visits"},
		{"partystudy", "clerk", `{"kind":"day","theme":"学习二十大精神","branch":"$unit:区机关事务中心;","slot":{"from":"2023-06-02T14:00:00+08:00","until":"2023-06-02T16:00:00+08:00"},"spot":"党员活动室","chair":"$person:boss;","expected":20}`,
			[]act{{"clerk", "record", "", `{"present":19,"excused":1,"clerk":"张三","content":"全体党员集中学习二十大报告，交流发言五人，书记作总结讲话，并布置下一阶段学习任务。","photos":[{"id":"$file"}]}`, nil},
				{"boss", "review", "agree", `{}`, nil}, {"partystudy_office", "file", "", `{"points":5}`, nil}}, "", "held"},
		{"lawday", "clerk", `{"name":"民法典进社区","form":"talk","topics":["civil"],"slot":{"from":"2023-06-02T14:00:00+08:00","until":"2023-06-02T16:00:00+08:00"},"spot":` + place + `,"target":100}`,
			[]act{{"lawday_office", "approve", "agree", `{}`, nil}, {"clerk", "record", "", `{"audience":130,"content":"宣讲并答疑","photos":[{"id":"$file"}],"leaflets":200}`, nil}, {"lawday_office", "assess", "", `{"effect":"good"}`, nil}}, "", "held"},
		{"legaladvice", "clerk", `{"about":"采购合同违约金条款","field":"contract","question":"违约金上限如何约定","phone":"13800005678"}`,
			[]act{{"legaladvice_clerk", "assign", "accept", `{}`, nil}, {"legaladvice_counsel", "reply", "", `{"answer":"以实际损失的百分之三十为限","basis":"民法典第585条"}`, nil}, {"clerk", "rate", "fine", `{"stars":"good"}`, nil}}, "", "replied"},
		{"archive", "clerk", `{"way":"lend","purpose":"编写大事记","files":[{"code":"2019-WS-001","name":"常务会议纪要","secret":"held","pages":20}],"due":"2023-06-20"}`,
			[]act{{"boss", "approve", "agree", `{}`, nil}, {"archive_head", "review", "agree", `{}`, nil}, {"archive_keeper", "lend", "", `{"lent":"2023-06-02"}`, nil}, {"archive_keeper", "back", "", `{"returned":"2023-06-10","whole":"whole"}`, nil}}, "", "all"},
		{"itreview", "clerk", `{"project":"一网统管二期","owner":"$unit:区机关事务中心;","kind":"upgrade","budget":500000000,"source":"区级财政","need":"提升事件处置时效","cloud":"cloud","grade":"3","plan":[{"id":"$file"}]}`,
			[]act{{"itreview_reviewer", "formal", "pass", `{"formal":["papers","double","cloud","share","secure"]}`, []string{"expert1", "expert2", "expert3"}},
				{"expert1", "experts", "agree", `{"marks":[{"expert":"甲","needed":25,"sound":26,"fair":20,"safe":12}]}`, nil},
				{"expert2", "experts", "agree", `{}`, nil},
				{"itreview_reviewer", "verdict", "pass", `{"granted":450000000}`, nil}, {"clerk", "build", "", `{"contract":440000000,"accepted":"2023-12-01"}`, nil},
				{"itreview_reviewer", "weigh", "", `{"users":300,"used":36,"shared":25,"ran":27}`, nil}}, "", "all"},
	}
}

// Each shipped application goes from its start to its end by its roles.
func TestLives(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		for _, l := range lives() {
			t.Run(l.app, func(t *testing.T) { w.live(t, l) })
		}
	})
}

func (w *town) live(t *testing.T, l life) {
	as := w.who[l.who]
	e := filed(t, w.Env, as, l.app, w.fill(as, l.data))
	for _, a := range l.acts {
		w.Move(time.Minute)
		now, err := findEntry(t.Context(), w.Kit.DB, store.C("e.id = $1", e.ID))
		if err != nil {
			t.Fatal(err)
		}
		w.do(t, &now, a)
	}
	end, err := findEntry(t.Context(), w.Kit.DB, store.C("e.id = $1", e.ID))
	if err != nil || end.State != "closed" || end.Level != l.level || end.Closed.IsZero() || end.Number == "" {
		t.Errorf("%+v %v", end, err)
	}
	w.Run(t, []kerneltest.Case{
		{Name: "who filed it sees the end", As: as, Call: "GET /api/forms/entries/" + e.ID, Status: 200, Want: []string{`"state":"closed"`, `"mayWrite":false`}},
		{Name: "the figure counts it", As: as, Call: "GET /api/forms/apps/" + l.app + "/stats", Status: 200, Want: []string{`"key":"` + l.value + `"`}},
		{Name: "in print", As: as, Call: "GET /api/forms/entries/" + e.ID + "/print.pdf", Status: 200, Want: []string{"%PDF"}},
	})
	var figures struct{ Items []Figure }
	w.Get(t, as, "GET /api/forms/apps/"+l.app+"/stats", "", &figures)
	for _, f := range figures.Items {
		if f.Key == l.value && (f.Value == nil || *f.Value != 1) {
			t.Errorf("%s is %+v", l.value, f)
		}
	}
}
