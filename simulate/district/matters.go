package district

// Matter is an entry of a declared application with what was done about it so far. Every person in it is fictional.
type Matter struct {
	App, Who string // key of the application, login of who files it
	DaysAgo  int
	Subject  string
	Data     string // JSON; $unit(KEY) stands for the id of a unit, $today for the date
	Steps    []Deed
}

// Deed is one step of a matter, so many hours after the one before.
type Deed struct {
	Who, Outcome, Opinion, Data string
	Hours                       float64
}

const spot = `{"lon":114.3742,"lat":30.5131,"text":"卓刀泉社区示例小区3栋","community":"420111006005"}`

// Matters lists them, the oldest first.
func Matters() []Matter {
	return []Matter{
		{App: "repair", Who: "chengguan.staff", DaysAgo: 20, Subject: "会议室空调不制冷",
			Data: `{"kind":"air","spot":"3号楼205会议室","trouble":"空调不制冷","urgent":"no","phone":"15400002001"}`,
			Steps: []Deed{{Who: "jiguan.service", Outcome: "accept", Hours: 0.4, Data: `{"worker":"维修二组"}`},
				{Who: "jiguan.service", Hours: 5, Data: `{"done":"清洗滤网，补充制冷剂","parts":[{"part":"制冷剂","count":1,"price":18000}]}`},
				{Who: "chengguan.staff", Outcome: "fine", Hours: 20, Data: `{"stars":"good"}`}}},
		{App: "dispute", Who: "zhuodaoquan.grid", DaysAgo: 12, Subject: "楼道堆物引发的邻里纠纷",
			Data: `{"title":"楼道堆物引发邻里争吵","source":"grid","category":"neighbour","story":"两户为楼道堆放杂物多次争吵，物业劝说无效。","people":3,"location":` + spot + `,
				"parties":[{"name":"甲示例","role":"asks","phone":"15400002002"},{"name":"乙示例","role":"asked","phone":"15400002003"}]}`,
			Steps: []Deed{{Who: "zhuodaoquan.centre", Outcome: "accept", Hours: 2},
				{Who: "zhuodaoquan.centre", Outcome: "assign", Hours: 1, Data: `{"lead":"$unit(420111006)","method":"people"}`},
				{Who: "zhuodaoquan.mediator", Hours: 24, Data: `{"contacted":"$today"}`}}},
		{App: "repair", Who: "centre.info", DaysAgo: 3, Subject: "办公室网口不通",
			Data:  `{"kind":"net","spot":"2号楼418办公室","trouble":"靠窗网口不通","urgent":"no","phone":"15400002004"}`,
			Steps: []Deed{{Who: "jiguan.service", Outcome: "accept", Hours: 0.3, Data: `{"worker":"维修一组"}`}}},
		{App: "dispute", Who: "zhuodaoquan.grid", DaysAgo: 1, Subject: "物业费纠纷",
			Data: `{"title":"业主与物业公司为公共收益分配争执","source":"visit","category":"property","story":"部分业主要求公开电梯广告等公共收益，与物业公司发生争执。","people":12,"location":` + spot + `,
				"parties":[{"name":"丙示例","role":"asks","phone":"15400002005"},{"name":"示例物业公司","role":"asked"}]}`},
	}
}
