package district

// Report is a form a department wants communities to fill in, as it would draft it.
type Report struct {
	By      string // login of who drafts it
	Title   string
	Purpose string
	Basis   string
	Period  string // once, monthly, quarterly, halfyear, yearly
	List    bool
	Rows    int
	Streets int // how many streets it is for, 0 for the whole district
	Fields  []ReportField
	Refuse  string // why it is refused; "" is approved
	Until   string // how far it comes: draft, review; "" is sent
}

// ReportField is one question. Held names the item of the catalogue that answers it, as entry/item; Same the report whose
// collection is shared; Exempt why the department would ask all the same.
type ReportField struct {
	Name, Kind, Measure string
	Held, Same, Exempt  string
	RowKey              bool
	Least, Most         int // of the numbers communities write
}

// GridEntry is the entry of the catalogue that says how many grid workers a community has; Grid is its table.
const GridEntry = "洪山区社区网格划分信息"

// EarlyReport is one that was sent through the year, before there was a catalogue to hold it against.
func EarlyReport() Report {
	return Report{By: "shuiwu.admin", Title: "河湖排口巡查月报", Purpose: "掌握社区范围内排口巡查情况，安排整改", Basis: "《武汉市湖泊保护条例》第三十一条", Period: "monthly", Streets: 4, Fields: []ReportField{
		{Name: "社区", Kind: "unit"}, {Name: "巡查次数", Kind: "number", Measure: "次", Least: 2, Most: 8}, {Name: "发现问题数", Kind: "number", Measure: "个", Most: 4}, {Name: "现场联系人", Kind: "name"}, {Name: "问题描述", Kind: "text"}}}
}

// Reports are the forms of the last weeks, each held against the catalogue first.
func Reports() []Report {
	place := ReportField{Name: "社区", Kind: "unit"}
	grid := ReportField{Name: "网格员数", Kind: "number", Measure: "人", Held: GridEntry + "/网格员数"}
	const firms = "洪山区法人单位基础信息"
	const again = "需要掌握最新情况"
	return []Report{
		{By: "minzheng.reader", Title: "社区治理力量月报", Purpose: "掌握社区治理力量底数，制定社区工作者配备方案", Basis: "《武汉市社区工作者管理办法》第九条", Period: "monthly", Fields: []ReportField{
			place, {Name: "社区代码", Kind: "code"}, grid, {Name: "志愿者数", Kind: "number", Measure: "人", Least: 20, Most: 160}, {Name: "社会组织数", Kind: "number", Measure: "个", Least: 3, Most: 14}, {Name: "议事协商次数", Kind: "number", Measure: "次", Least: 1, Most: 6}}},
		{By: "shuiwu.admin", Title: "河湖巡查志愿服务月报", Purpose: "安排社区河湖志愿服务物资和培训", Basis: "《武汉市湖泊保护条例》第三十一条", Period: "monthly", Fields: []ReportField{
			place, grid, {Name: "志愿者数", Kind: "number", Measure: "人", Same: "社区治理力量月报"}, {Name: "巡查次数", Kind: "number", Measure: "次", Least: 2, Most: 9}}},
		{By: "jiaoyu.notice", Title: "社区青少年托管服务季度表", Purpose: "确定寒假社区托管点和经费", Basis: "《武汉市青少年宫和社区托管服务工作方案》", Period: "quarterly", Fields: []ReportField{
			place, {Name: "托管班个数", Kind: "number", Measure: "个", Most: 4}, {Name: "服务学生人数", Kind: "number", Measure: "人", Least: 10, Most: 90}, {Name: "志愿者数", Kind: "number", Measure: "人", Same: "社区治理力量月报"}}},
		{By: "qiye.service", Title: "沿街企业信息摸底表", Purpose: "掌握辖区企业底数，开展惠企政策宣传", Basis: "部门年度工作安排", Period: "once", List: true, Rows: 10, Refuse: "企业登记信息法人库已有并且每日更新，属于无条件共享，请直接在共享平台取数，不得要求社区逐户摸底。", Fields: []ReportField{
			{Name: "统一社会信用代码", Kind: "uscc", RowKey: true}, {Name: "单位名称", Kind: "text", Held: firms + "/单位名称", Exempt: again}, {Name: "行业代码", Kind: "text", Held: firms + "/行业代码", Exempt: again},
			{Name: "成立日期", Kind: "date", Held: firms + "/成立日期", Exempt: again}, {Name: "登记状态", Kind: "text", Held: firms + "/登记状态", Exempt: again}}},
		{By: "yibao.data", Title: "居民参保动员情况月报", Purpose: "掌握集中参保期社区动员进度", Basis: "《居民基本医疗保险参保长效机制的指导意见》", Period: "monthly", Until: "review", Fields: []ReportField{
			place, {Name: "动员户数", Kind: "number", Measure: "户"}, {Name: "入户宣传次数", Kind: "number", Measure: "次"}, {Name: "困难人员备注", Kind: "text"}}},
		{By: "minzheng.reader", Title: "社区养老服务设施年报", Purpose: "编制养老服务设施布局规划", Basis: "《武汉市养老服务条例》第十四条", Period: "yearly", Until: "draft", Fields: []ReportField{
			place, {Name: "助餐点数", Kind: "number", Measure: "个"}, {Name: "日间照料床位数", Kind: "number", Measure: "张"}}},
	}
}
