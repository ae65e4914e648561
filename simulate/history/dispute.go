package history

import (
	"fmt"
	"time"

	"qushu/internal/base/when"
)

// quarrel is a sort of dispute as people tell it. The verbs %[1]s, %[2]s are the parties.
type quarrel struct {
	category, title, story, asks, settled string
	most                                  int // people
	yuan                                  int // amount at stake at most
}

var quarrels = []quarrel{
	{"neighbour", "楼上漏水引发的邻里纠纷", "楼上卫生间防水老化，渗漏到楼下客厅顶部，双方对维修责任和赔偿数额说法不一，多次争执。", "修复漏点，赔偿墙面损失", "楼上十日内做好防水，赔偿墙面修复费用，双方不再争执。", 5, 8000},
	{"neighbour", "楼道堆物引发的邻里纠纷", "楼道长期堆放杂物和电动车，邻居多次劝说无效，发生口角。", "清空楼道，恢复通行", "当场清理杂物，电动车停到集中充电棚。", 4, 0},
	{"neighbour", "夜间噪音引发的纠纷", "一户夜间练琴、聚会声音较大，影响邻居休息，报警后仍有反复。", "晚十点后保持安静", "约定晚九点半后不练琴，加装隔音垫。", 4, 0},
	{"property", "物业费与公共收益纠纷", "部分业主以服务不到位、公共收益未公示为由拒交物业费，物业公司张贴催缴通知后矛盾激化。", "公示公共收益，整改服务", "物业公司公示两年收支并整改路灯、门禁，业主分期补交。", 60, 120000},
	{"property", "小区停车位分配纠纷", "小区车位不足，业主对车位轮换办法意见不一，在门岗前聚集。", "重新制定轮换办法", "业委会召开议事会，按户一年一轮换。", 35, 0},
	{"family", "赡养纠纷", "老人子女三人对赡养费和轮流照料各执一词，老人独居缺少照料。", "按月支付赡养费，轮流照料", "三子女每月各付赡养费八百元，按月轮流照料。", 5, 10000},
	{"family", "离婚财产与抚养纠纷", "夫妻分居半年，就房屋和孩子抚养争执，男方曾有过激言语。", "确定抚养权，分割财产", "孩子随母亲生活，父亲每周探望，财产另行诉讼解决。", 3, 800000},
	{"labour", "餐饮店拖欠工资纠纷", "餐饮店停业，员工两个月工资未结清，多次讨要无果。", "结清工资", "经营者三日内付清一半，余款一个月内付清。", 18, 180000},
	{"labour", "工地班组讨薪纠纷", "装修工程班组称总包拖欠工程款致工资未发，十余人到项目部讨要。", "发放工资", "总包先行垫付工资，与班组另行结算。", 28, 560000},
	{"consumer", "预付卡退费纠纷", "健身房更换经营者后拒认旧卡，会员要求退费。", "退还余额", "按剩余月份七成退款，不退者由新店承接。", 40, 260000},
	{"traffic", "电动车剐蹭赔偿纠纷", "两辆电动车在路口剐蹭，一方轻微擦伤，双方对医药费和误工费数额不一。", "赔偿医药费、误工费", "一次性赔偿，双方签字了结。", 3, 6000},
	{"house", "老旧小区加装电梯纠纷", "低层住户担心采光和噪音，反对加装电梯，施工两次中断。", "调整方案或补偿", "井道外移并做透明材质，给予低层住户适当补偿。", 24, 100000},
	{"environment", "夜市油烟扰民纠纷", "烧烤摊油烟和噪音影响居民，居民堵门抗议。", "限时经营，治理油烟", "加装净化设备，营业到晚十点半。", 22, 0},
	{"removal", "征收补偿协议履行纠纷", "被征收人对过渡费发放时间有异议，要求一次补齐。", "补发过渡费", "征收部门核算后一个月内补发。", 16, 350000},
	{"medical", "诊所医疗费用纠纷", "患者认为诊所用药过度、收费不明，要求退费并道歉。", "退费、说明用药", "诊所出具用药说明，退还部分费用。", 3, 9000},
	{"debt", "邻里借款纠纷", "熟人间借款到期未还，出借人上门讨要发生推搡。", "归还借款", "分六期归还，社区见证。", 3, 50000},
	{"campus", "学生课间受伤赔偿纠纷", "学生课间追逐受伤，家长要求学校与对方家长赔偿。", "承担医疗费", "对方家长承担医疗费七成，学校完善课间巡查。", 6, 20000},
	{"firm", "园区企业租赁合同纠纷", "企业因面积误差要求退还多收租金，园区运营方不同意。", "重新测量、退还租金", "第三方测量后按实际面积结算。", 6, 420000},
}

var surnames = []string{"王", "李", "张", "刘", "陈", "杨", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗", "梁"}

func (y *year) dispute(at time.Time) Matter {
	s := y.streets[y.rng.IntN(len(y.streets))]
	p := one(y, s.spots...)
	q := one(y, quarrels...)
	people := 2 + y.rng.IntN(q.most)
	asks, asked := one(y, surnames...)+"某示例", one(y, surnames...)+"某某示例"
	data := Form{"title": p.name + q.title, "source": one(y, "grid", "grid", "grid", "visit", "visit", "hotline", "police", "department", "court"), "category": q.category, "story": q.story, "demand": q.asks, "people": people,
		"found": date(at), "lasting": one(y, 0, 1, 3, 7, 20, 45),
		"location": Form{"lon": 114.30 + float64(y.rng.IntN(1400))/10000, "lat": 30.46 + float64(y.rng.IntN(800))/10000, "text": p.name + fmt.Sprint("示例小区", 1+y.rng.IntN(30), "栋"), "community": p.key},
		"parties":  []Form{{"name": asks, "role": "asks", "phone": y.phone()}, {"name": asked, "role": "asked", "phone": y.phone()}}}
	if q.yuan > 0 {
		data["amount"] = fen(500 + y.rng.IntN(q.yuan))
	}
	if people >= 15 && y.often(50) {
		data["behaviour"] = []string{"gather"}
	} else if y.often(15) {
		data["behaviour"] = []string{"words"}
	}
	if y.often(12) {
		data["photos"] = []Form{{"id": "$photo(现场)"}}
	}
	again, upgraded, joint := y.often(7), y.often(8), y.often(30)
	result := "settled"
	if y.often(12) {
		result = one(y, "guided", "held", "withdrawn")
	}
	last := at
	say := func(words ...string) string { return one(y, words...) }
	return Matter{App: "dispute", Who: p.grid, At: at, Data: data, Step: func(node string, t time.Time) Deed {
		if t.After(last) {
			last = t
		}
		switch node {
		case "grading":
			if y.often(3) {
				return Deed{At: y.after(t, 3), Outcome: "refuse", Reason: "已进入诉讼程序，告知当事人等待判决"}
			}
			return Deed{At: y.after(t, 1.5), Outcome: "accept", Opinion: say("情况清楚，予以受理。", "经核实属实，受理。", "受理，请街道尽快介入。")}
		case "dispatch":
			d := Deed{At: y.after(t, 1), Outcome: "assign", Opinion: say("请及时联系双方。", "限期化解，结果报中心。"), To: s.mediators[:1],
				Data: Form{"lead": "$unit(" + s.key + ")", "method": one(y, "people", "people", "people", "admin", "judicial")}}
			if joint {
				d.To = s.mediators
			}
			// The leader in charge is asked for at the two upper levels only; naming him elsewhere does no harm.
			if lead, ok := y.d.Leader(s.key); ok && people >= 15 {
				d.Data["patron"] = "$person(" + lead.StaffNo + ")"
			}
			return d
		case "contact":
			when := y.after(t, 3)
			return Deed{At: when, Data: Form{"contacted": date(when)}}
		case "mediate":
			when := y.after(t, one(y, 3.0, 6, 9, 14, 26))
			d := Deed{At: when, Outcome: "done", Opinion: say("双方自愿达成一致意见。", "经三次上门，双方同意和解。", "已向双方讲明法理，均表示接受。", "情况属实，方案可行。"),
				Data: Form{"records": []Form{{"day": date(when), "who": asks + "、" + asked, "what": q.settled}}, "result": result}}
			if upgraded && people >= 5 {
				upgraded = false
				d.Outcome, d.Reason = "fail", "双方分歧较大，街道两次调处未果，提请区级会商"
				delete(d.Data, "result")
			}
			return d
		case "upgrade":
			return Deed{At: y.after(t, 4), Outcome: "assign", Opinion: "由街道牵头，区司法局派员协助。", To: s.mediators[:1],
				Data: Form{"lead": "$unit(" + s.key + ")", "method": "admin"}}
		case "agreement":
			return Deed{At: y.after(t, 3), Data: Form{"confirmed": one(y, "no", "no", "applied", "yes")}}
		case "visit":
			when := y.after(t, 6)
			d := Deed{At: when, Outcome: "stable", Data: Form{"visited": date(when), "satisfied": one(y, "very", "very", "satisfied", "satisfied", "fair"), "visit": "电话回访双方，未再发生争执。"}}
			if again {
				again = false
				d.Outcome, d.Reason = "again", "一方未按约履行，双方再起争执"
				d.Data["satisfied"] = "unsatisfied"
			}
			return d
		case "close":
			return Deed{At: y.after(t, 2), Opinion: say("同意销号。", "材料齐全，归档。"), Data: Form{"filing": fmt.Sprintf("%s-%04d", t.In(when.Zone).Format("2006"), 1+y.rng.IntN(9999))}}
		}
		panic("history: dispute has no step " + node)
	}}
}
