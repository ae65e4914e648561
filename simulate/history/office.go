package history

import (
	"fmt"
	"time"

	"qushu/internal/base/when"
)

// agree is what those who approve mostly do.
func (y *year) agree(t time.Time, hours float64, outcome string) Deed {
	if y.often(4) {
		return Deed{At: y.after(t, hours), Outcome: "refuse", Reason: one(y, "与本周安排冲突，请调整后再报", "依据不足，请补充说明", "本月额度已用完")}
	}
	return Deed{At: y.after(t, hours), Outcome: outcome, Opinion: one(y, "同意。", "同意，请按规定执行。", "同意，厉行节约。", "")}
}

// look is what those who approve papers do: now and then they want to know more.
func (y *year) look(t time.Time, hours float64) Deed {
	if y.often(8) {
		return Deed{At: y.after(t, hours), Verb: "return", Reason: one(y, "用途写得不具体，请补充", "数量偏多，请核实后再报", "请附上依据")}
	}
	return y.agree(t, hours, "agree")
}

// again is what who filed it does when it comes back.
func (y *year) again(t time.Time) Deed {
	return Deed{At: y.after(t, 4), Opinion: one(y, "已补充。", "已与科室核实。")}
}

func (y *year) clerk() string { return one(y, y.clerks...) }

func (y *year) repair(at time.Time) Matter {
	type fault struct {
		kind, trouble, done, part string
		yuan                      int
	}
	f := one(y, fault{"air", "空调不制冷", "清洗滤网，补充制冷剂", "制冷剂", 180}, fault{"air", "空调漏水", "疏通冷凝管", "", 0}, fault{"net", "靠窗网口不通", "更换网络模块", "网络模块", 35}, fault{"net", "无线信号弱", "调整接入点位置", "", 0},
		fault{"power", "顶灯闪烁", "更换灯管和整流器", "LED灯管", 28}, fault{"power", "插座没电", "更换空气开关", "空气开关", 45}, fault{"power", "卫生间水龙头漏水", "更换阀芯", "阀芯", 22},
		fault{"door", "门锁打不开", "更换锁芯", "锁芯", 90}, fault{"door", "办公椅气压杆失效", "更换气压杆", "气压杆", 60}, fault{"lift", "电梯关门异响", "调整门机，通知维保单位复检", "", 0}, fault{"other", "窗帘轨道脱落", "重新固定轨道", "膨胀螺丝", 6})
	urgent := "no"
	if f.kind == "lift" || y.often(10) {
		urgent = "yes"
	}
	again := y.often(8)
	spot := fmt.Sprintf("%d号楼%d%02d室", 1+y.rng.IntN(4), 2+y.rng.IntN(8), 1+y.rng.IntN(20))
	return Matter{App: "repair", Who: y.clerk(), At: at, Data: Form{"kind": f.kind, "spot": spot, "trouble": f.trouble, "urgent": urgent, "phone": y.phone()}, Step: func(node string, t time.Time) Deed {
		switch node {
		case "accept":
			return Deed{At: y.soon(t, 0.25), Outcome: "accept", Data: Form{"worker": one(y, "维修一组", "维修二组", "水电班")}}
		case "fix":
			d := Deed{At: y.soon(t, 1.5), Data: Form{"done": f.done}}
			if f.yuan > 0 {
				d.Data["parts"] = []Form{{"part": f.part, "count": 1 + y.rng.IntN(2), "price": fen(f.yuan)}}
			}
			return d
		case "check":
			if again {
				again = false
				return Deed{At: y.soon(t, 1), Outcome: "again", Reason: "用了半天又坏了"}
			}
			return Deed{At: y.soon(t, 1), Outcome: "fine", Data: Form{"stars": y.rating()}}
		}
		panic("history: repair has no step " + node)
	}}
}

func (y *year) vehicle(at time.Time) Matter {
	trip := one(y, [2]string{"survey", "白沙洲大市场"}, [2]string{"survey", "天兴洲生态绿洲"}, [2]string{"enforce", "野芷湖沿线"}, [2]string{"enforce", "青菱工业园"}, [2]string{"reception", "光谷会展中心"}, [2]string{"urgent", "巡司河泵站"}, [2]string{"secret", "市委机要局"}, [2]string{"survey", "南湖片区排口"})
	hours := 2 + y.rng.IntN(4)
	car, from, until, ok := y.book(at, time.Duration(hours)*time.Hour, "vehicle/a1", "vehicle/a2", "vehicle/a3", "vehicle/a4", "vehicle/a5", "vehicle/a6")
	if !ok {
		car, from = "", y.office(at.AddDate(0, 0, 2))
		until = from.Add(2 * time.Hour)
	}
	km := 8000 + y.rng.IntN(60000)
	far := 12 + y.rng.IntN(70)
	return Matter{App: "vehicle", Who: y.clerk(), At: at, Data: Form{"reason": trip[0], "destination": trip[1], "trip": period(from, until), "riders": 1 + y.rng.IntN(4), "phone": y.phone()}, Step: func(node string, t time.Time) Deed {
		switch node {
		case "approve":
			return y.agree(t, 2, "agree")
		case "dispatch":
			if car == "" {
				return Deed{At: y.after(t, 1), Outcome: "refuse", Reason: "当天车辆已全部派出"}
			}
			return Deed{At: y.after(t, 1), Outcome: "sent", Data: Form{"car": "$res(" + car + ")", "driver": one(y, "陈师傅", "吴师傅", "郑师傅", "冯师傅")}}
		case "depart":
			return Deed{At: later(t, from.Add(-10*time.Minute)), Data: Form{"km_out": km}}
		case "back":
			return Deed{At: later(t, until.Add(y.upTo(30*time.Minute))), Data: Form{"km_back": km + far, "fuel": fen(far * 7 / 10), "toll": fen(one(y, 0, 0, 10, 20)), "parking": fen(one(y, 0, 5, 10))}}
		case "costs":
			return Deed{At: y.after(t, 8), Data: Form{}}
		case "rate":
			return Deed{At: y.after(t, 6), Data: Form{"rating": y.rating()}}
		}
		panic("history: vehicle has no step " + node)
	}}
}

// later is t, or what was meant where that is still to come.
func later(t, meant time.Time) time.Time {
	if meant.After(t) {
		return meant
	}
	return t.Add(7 * time.Minute)
}

func (y *year) meeting(at time.Time) Matter {
	topic := one(y, "局党组（扩大）会议", "月度工作例会", "信访维稳研判会", "防汛工作调度会", "重点项目协调会", "安全生产例会", "数据共享对接会", "招商项目洽谈会", "街道书记座谈会", "创文工作推进会", "预算编制布置会", "网格员业务培训")
	people := one(y, 8, 12, 15, 20, 28, 35, 50, 80)
	rooms := []string{"meetingroom/r305", "meetingroom/r306"}
	if people > 16 {
		rooms = []string{"meetingroom/r201", "meetingroom/r501"}
	}
	if people > 40 {
		rooms = []string{"meetingroom/r101"}
	}
	room, from, until, ok := y.book(at, time.Duration(2+y.rng.IntN(3))*30*time.Minute+30*time.Minute, rooms...)
	if !ok { // the house is full: it is held elsewhere, and a small thing is repaired instead
		return y.repair(at)
	}
	tea := "no"
	if y.often(20) {
		tea = "yes"
	}
	data := Form{"topic": topic, "slot": period(from, until), "room": "$res(" + room + ")", "people": people, "tea": tea}
	if y.often(60) {
		data["gear"] = []string{one(y, "screen", "video", "mics")}
	}
	return Matter{App: "meetingroom", Who: y.clerk(), At: at, Data: data, Step: func(node string, t time.Time) Deed {
		switch node {
		case "approve":
			return y.agree(t, 2, "agree")
		case "arrive":
			return Deed{At: later(t, from.Add(-time.Duration(1+y.rng.IntN(9))*time.Minute)), Data: Form{}}
		case "leave":
			order := "fine"
			if y.often(6) {
				order = "repair"
			}
			return Deed{At: later(t, until.Add(time.Duration(y.rng.IntN(10))*time.Minute)), Data: Form{"order": order, "present": people - y.rng.IntN(people/4+1)}}
		case "inspect":
			return Deed{At: y.after(t, 3), Opinion: one(y, "话筒没电，已更换电池。", "投影灯泡老化，已报修。")}
		}
		panic("history: meetingroom has no step " + node)
	}}
}

func (y *year) supplies(at time.Time) Matter {
	price := map[string]int{"paper": 25, "pen": 2, "book": 6, "folder": 4, "toner": 320, "usb": 180, "battery": 3}
	var items []Form
	for _, sku := range []string{"paper", "pen", "book", "folder", "toner", "usb", "battery"} {
		if y.often(35) || len(items) == 0 && sku == "toner" {
			n := 1 + y.rng.IntN(10)
			switch sku {
			case "usb":
				n = 1
			case "toner":
				n = min(n, 4)
			}
			items = append(items, Form{"sku": sku, "count": n, "price": fen(price[sku])})
		}
	}
	return Matter{App: "supplies", Who: y.clerk(), At: at, Data: Form{"purpose": one(y, "科室日常办公", "会议材料印制", "新进人员配备", "档案整理", "入户走访用品"), "items": items}, Step: func(node string, t time.Time) Deed {
		switch node {
		case "apply":
			return y.again(t)
		case "approve":
			return y.look(t, 3)
		case "office":
			return y.agree(t, 3, "agree")
		case "issue":
			when := y.after(t, 5)
			return Deed{At: when, Data: Form{"issued": date(when)}}
		case "receive":
			return Deed{At: y.after(t, 4), Data: Form{}}
		}
		panic("history: supplies has no step " + node)
	}}
}

func (y *year) canteen(at time.Time) Matter {
	day := y.office(at.AddDate(0, 0, 1))
	people := one(y, 1, 1, 2, 4, 6, 8)
	data := Form{"day": date(day), "meals": []string{one(y, "lunch", "lunch", "breakfast", "supper")}, "people": people, "guest": "no"}
	if people >= 4 && y.often(40) {
		data["guest"], data["hosts"], data["letter"] = "yes", 1, []Form{{"id": "$paper(公务接待函)"}}
	}
	noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 10, 0, 0, when.Zone)
	return Matter{App: "canteen", Who: y.clerk(), At: at, Data: data, Step: func(node string, t time.Time) Deed {
		switch node {
		case "approve":
			return y.agree(t, 1, "agree")
		case "serve":
			return Deed{At: later(t, noon), Data: Form{"served": max(0, people-one(y, 0, 0, 0, 0, 1))}}
		case "rate":
			return Deed{At: later(t, noon.Add(y.upTo(4*time.Hour))), Data: Form{"taste": y.rating()}}
		}
		panic("history: canteen has no step " + node)
	}}
}

func (y *year) visitor(at time.Time) Matter {
	day := y.office(at.AddDate(0, 0, 1+y.rng.IntN(2)))
	from := time.Date(day.Year(), day.Month(), day.Day(), one(y, 9, 10, 14, 15), 0, 0, 0, when.Zone)
	who := y.clerk()
	var guests []Form
	for range 1 + y.rng.IntN(3) {
		guests = append(guests, Form{"name": one(y, surnames...) + "示例", "phone": y.phone(), "tail": fmt.Sprintf("%04d", y.rng.IntN(10000)), "firm": one(y, "示例科技公司", "示例建设集团", "高校课题组", "示例物业公司")})
	}
	return Matter{App: "visitor", Who: who, At: at, Data: Form{"purpose": one(y, "项目洽谈", "政策咨询", "工程结算", "课题调研", "设备巡检"), "host": "$person(" + who + ")", "stay": period(from, from.Add(90*time.Minute)), "spot": fmt.Sprintf("2号楼%d会客室", 300+y.rng.IntN(20)), "guests": guests}, Step: func(node string, t time.Time) Deed {
		came := later(t, from.Add(time.Duration(y.rng.IntN(15))*time.Minute))
		switch node {
		case "confirm":
			return y.agree(t, 1, "agree")
		case "gate":
			if y.often(6) {
				return Deed{At: came, Outcome: "absent", Data: Form{}}
			}
			return Deed{At: came, Outcome: "enter", Data: Form{"came": moment(came), "counted": len(guests)}}
		case "leave":
			went := t.Add(30*time.Minute + y.upTo(time.Hour))
			return Deed{At: went, Data: Form{"went": moment(went)}}
		}
		panic("history: visitor has no step " + node)
	}}
}

func (y *year) party(at time.Time) Matter {
	who := y.clerk()
	body := y.bodyOf(who)
	lead, _ := y.d.Leader(body)
	day := y.office(at.AddDate(0, 0, 3))
	from := time.Date(day.Year(), day.Month(), day.Day(), 15, 0, 0, 0, when.Zone)
	expected := 12 + y.rng.IntN(30)
	theme := one(y, "学习贯彻党的二十大精神", "重温入党誓词主题党日", "廉政警示教育", "共同缔造进社区", "机关作风建设专题学习", "长江大保护志愿服务")
	return Matter{App: "partystudy", Who: who, At: at, Data: Form{"kind": one(y, "day", "day", "lesson", "congress", "committee"), "theme": theme, "branch": "$unit(" + body + ")", "slot": period(from, from.Add(2*time.Hour)), "spot": "党员活动室",
		"chair": "$person(" + lead.StaffNo + ")", "expected": expected}, Step: func(node string, t time.Time) Deed {
		switch node {
		case "record":
			away := y.rng.IntN(4)
			return Deed{At: later(t, y.after(from.Add(2*time.Hour), 8)), Data: Form{"present": expected - away, "excused": away, "clerk": "办公室", "photos": []Form{{"id": "$photo(党员活动室)"}},
				"content": theme + "：领学原文四十分钟，三名党员交流发言，支部书记作总结讲话，布置下一阶段学习任务。"}}
		case "review":
			return Deed{At: y.after(t, 6), Outcome: "agree", Opinion: "记录完整。"}
		case "file":
			return Deed{At: y.after(t, 8), Data: Form{"points": one(y, 3, 5, 5, 8)}}
		}
		panic("history: partystudy has no step " + node)
	}}
}

// bodyOf is the department of a clerk: SF of SF-1.
func (y *year) bodyOf(no string) string {
	for _, u := range y.d.Units {
		for _, p := range y.d.In(u.Key) {
			if p.StaffNo == no && p.Posts[0].Unit == u.Key {
				return u.Parent
			}
		}
	}
	return ""
}

func (y *year) lawday(at time.Time) Matter {
	s := one(y, y.streets...)
	p := one(y, s.spots...)
	day := y.office(at.AddDate(0, 0, 6))
	from := time.Date(day.Year(), day.Month(), day.Day(), one(y, 9, 15), 0, 0, 0, when.Zone)
	target := one(y, 60, 80, 100, 150, 200)
	return Matter{App: "lawday", Who: y.clerk(), At: at, Data: Form{"name": one(y, "民法典进社区", "反电信诈骗宣传", "宪法宣传周活动", "未成年人保护法进校园", "劳动法律法规宣讲", "数据安全法宣传") + "·" + p.name, "form": one(y, "talk", "leaflet", "case"), "topics": []string{one(y, "civil", "fraud", "constitution", "labour")},
		"slot": period(from, from.Add(2*time.Hour)), "spot": Form{"lon": 114.36, "lat": 30.50, "text": p.name + "文化广场", "community": p.key}, "target": target, "budget": fen(one(y, 500, 800, 1500))}, Step: func(node string, t time.Time) Deed {
		switch node {
		case "plan":
			return y.again(t)
		case "approve":
			return y.look(t, 5)
		case "record":
			return Deed{At: later(t, y.after(from.Add(2*time.Hour), 6)), Data: Form{"audience": target*8/10 + y.rng.IntN(target/2), "leaflets": target * 2, "content": "现场宣讲并解答群众咨询，发放宣传资料。", "photos": []Form{{"id": "$photo(普法现场)"}}}}
		case "assess":
			return Deed{At: y.after(t, 10), Data: Form{"effect": one(y, "good", "good", "met")}}
		}
		panic("history: lawday has no step " + node)
	}}
}

func (y *year) advice(at time.Time) Matter {
	type ask struct{ field, about, question, answer, basis string }
	q := one(y, ask{"contract", "服务采购合同违约金条款", "违约金按合同额百分之三十约定是否过高？", "约定的违约金过分高于造成的损失的，可以请求适当减少，一般以不超过损失的百分之三十为宜。", "《民法典》第五百八十五条"},
		ask{"contract", "信息化运维合同续签", "原合同到期未验收，可否先续签再补验收？", "应当先完成验收并形成书面结论，再依政府采购规定办理续签。", "《政府采购法》第四十一条"},
		ask{"enforce", "行政处罚听证期限", "当事人要求听证的期限如何计算？", "当事人应当在行政机关告知后五日内提出，五日按工作日计算。", "《行政处罚法》第六十四条、第八十五条"},
		ask{"case", "行政复议答复材料", "复议机关通知后多久提交答复？", "应当自收到申请书副本之日起十日内提交书面答复和证据。", "《行政复议法》第四十八条"},
		ask{"rule", "规范性文件公平竞争审查", "奖补办法是否需要公平竞争审查？", "涉及经营者经济活动的，应当进行公平竞争审查并留存结论。", "《公平竞争审查条例》"})
	more := y.often(10)
	counsel := y.desk["legaladvice_counsel"]
	return Matter{App: "legaladvice", Who: y.clerk(), At: at, Data: Form{"about": q.about, "field": q.field, "question": q.question, "phone": y.phone()}, Step: func(node string, t time.Time) Deed {
		switch node {
		case "assign":
			return Deed{At: y.after(t, 3), Outcome: "accept", To: counsel}
		case "reply":
			return Deed{At: y.after(t, 9), Data: Form{"answer": q.answer, "basis": q.basis}}
		case "rate":
			if more {
				more = false
				return Deed{At: y.after(t, 6), Outcome: "more", Reason: "请再说明期限的起算日"}
			}
			return Deed{At: y.after(t, 6), Outcome: "fine", Data: Form{"stars": y.rating()}}
		}
		panic("history: legaladvice has no step " + node)
	}}
}

func (y *year) archive(at time.Time) Matter {
	way := one(y, "read", "read", "copy", "lend")
	secret := one(y, "open", "inner", "inner", "held")
	data := Form{"way": way, "purpose": one(y, "编写大事记", "核实工龄", "查阅历史合同", "应诉举证", "机构沿革考证"), "files": []Form{{"code": fmt.Sprintf("%d-WS-%03d", 2008+y.rng.IntN(14), 1+y.rng.IntN(400)), "name": one(y, "常务会议纪要", "机构编制批复", "工程竣工图", "劳动合同名册"), "secret": secret, "pages": 5 + y.rng.IntN(80)}}}
	if way == "lend" {
		data["due"] = date(at.AddDate(0, 0, 14))
	}
	return Matter{App: "archive", Who: y.clerk(), At: at, Data: data, Step: func(node string, t time.Time) Deed {
		switch node {
		case "apply":
			return y.again(t)
		case "approve":
			return y.look(t, 4)
		case "review":
			return Deed{At: y.after(t, 6), Outcome: "agree", Opinion: "可在阅览室查阅，不得拍照。"}
		case "lend":
			when := y.after(t, 4)
			return Deed{At: when, Data: Form{"lent": date(when)}}
		case "back":
			when := y.after(t, one(y, 6.0, 20, 60))
			return Deed{At: when, Data: Form{"returned": date(when), "whole": "whole"}}
		}
		panic("history: archive has no step " + node)
	}}
}

func (y *year) review(at time.Time) Matter {
	name := one(y, "智慧水务监测预警平台", "网格化综合管理系统升级", "电子证照共享应用", "政务外网安全加固", "湖泊水质在线监测", "企业服务平台二期", "视频会议系统国产化改造", "城市内涝监测点位建设", "数字档案室", "一网通办自助终端")
	body := y.bodyOf(y.clerk())
	yuan := 300_000 + 10_000*y.rng.IntN(400)
	experts := y.desk["itreview_expert"]
	who := y.clerk()
	return Matter{App: "itreview", Who: who, At: at, Data: Form{"project": name, "owner": "$unit(" + body + ")", "kind": one(y, "new", "upgrade", "service", "upkeep"), "budget": fen(yuan), "source": "区级财政", "need": "提升业务协同与响应效率，减少重复填报，落实上级关于数据共享的要求。",
		"cloud": "cloud", "grade": one(y, "2", "3"), "plan": []Form{{"id": "$paper(" + name + "建设方案)"}}}, Step: func(node string, t time.Time) Deed {
		mark := func() Form {
			return Form{"expert": "专家" + one(y, "甲", "乙", "丙"), "needed": 22 + y.rng.IntN(8), "sound": 20 + y.rng.IntN(9), "fair": 16 + y.rng.IntN(8), "safe": 10 + y.rng.IntN(5)}
		}
		switch node {
		case "formal":
			return Deed{At: y.after(t, 10), Outcome: "pass", Opinion: "材料齐全。", Data: Form{"formal": []string{"papers"}}, To: experts}
		case "experts":
			return Deed{At: y.after(t, 24), Outcome: "agree", Opinion: one(y, "方案可行，建议压减硬件投入。", "建议复用现有平台能力。", "同意立项。"), Data: Form{"marks": []Form{mark()}}}
		case "verdict":
			return Deed{At: y.after(t, 16), Outcome: "pass", Opinion: "通过技术审查。", Data: Form{"granted": fen(yuan * (86 + y.rng.IntN(10)) / 100)}}
		case "build":
			when := y.after(t, 300)
			return Deed{At: when, Data: Form{"contract": fen(yuan * 80 / 100), "accepted": date(when)}}
		case "weigh":
			return Deed{At: y.after(t, 30), Opinion: "运行稳定。", Data: Form{"users": 60 + y.rng.IntN(800), "used": 30 + y.rng.IntN(9), "shared": 20 + y.rng.IntN(9), "ran": 22 + y.rng.IntN(8)}}
		}
		panic("history: itreview has no step " + node)
	}}
}
