package district

// Resource is an entry of the data catalogue as its department would draft it.
type Resource struct {
	Unit    string // key of the providing unit
	By      string // login of who drafts it
	Class   string // 类+项+目
	Name    string
	Summary string
	Share   string // unconditional, conditional, refused
	Why     string // the condition, or the law that forbids sharing
	Open    bool
	Cycle   string
	Words   []string
	Items   []ResourceItem
	Draft   bool // it is left as a draft
}

// ResourceItem is one item of a resource.
type ResourceItem struct {
	Name, Type, Level, Kind string
	Length                  int
}

func coded(name string, length int, level string) ResourceItem {
	return ResourceItem{Name: name, Type: "C", Length: length, Level: level}
}

// Resources are entries of the catalogue besides that of the population table. What they describe is not loaded, so they are
// catalogued but not mounted, as most entries of a young catalogue are.
func Resources() []Resource {
	number := func(name, level string) ResourceItem { return ResourceItem{Name: name, Type: "I", Level: level} }
	day := func(name, level string) ResourceItem { return ResourceItem{Name: name, Type: "D", Level: level} }
	person := []ResourceItem{{Name: "姓名", Type: "C", Length: 40, Level: "L3", Kind: "name"}, {Name: "公民身份号码", Type: "C", Length: 18, Level: "L3", Kind: "id"}}
	const centre, by = "DSJ", "centre.data"
	return []Resource{
		{Unit: centre, By: by, Class: "102001", Name: "洪山区法人单位基础信息", Summary: "市级法人库回流的全区法人单位登记基本情况。", Share: "unconditional", Cycle: "daily", Words: []string{"法人", "登记"},
			Items: []ResourceItem{{Name: "统一社会信用代码", Type: "C", Length: 18, Level: "L1", Kind: "uscc"}, coded("单位名称", 200, "L1"), coded("行业代码", 8, "L1"), day("成立日期", "L1"), coded("登记状态", 20, "L1")}},
		{Unit: centre, By: by, Class: "301001", Name: "洪山区政务数据共享月报信息", Summary: "每月共享、调用和更新情况的汇总，不含个人信息。", Share: "unconditional", Open: true, Cycle: "monthly", Words: []string{"共享", "统计"},
			Items: []ResourceItem{coded("月份", 7, "L1"), coded("单位名称", 100, "L1"), number("目录数", "L1"), number("调用次数", "L1")}},
		{Unit: centre, By: by, Class: "213001", Name: "洪山区城市运行事件统计信息", Summary: "按街道和类型汇总的城市运行事件数量与办结情况。", Share: "unconditional", Open: true, Cycle: "weekly", Words: []string{"城运", "事件"},
			Items: []ResourceItem{coded("街道", 40, "L1"), coded("事件类型", 40, "L1"), number("受理数", "L1"), number("办结数", "L1")}},
		{Unit: centre, By: by, Class: "213001", Name: "洪山区物联感知设备台账信息", Summary: "接入城运平台的感知设备位置、类型与在线状态。", Share: "conditional", Why: "限城市运行管理和应急处置使用", Cycle: "daily", Words: []string{"物联", "设备"},
			Items: []ResourceItem{coded("设备编号", 32, "L2"), coded("设备类型", 40, "L2"), coded("安装位置", 200, "L2"), coded("在线状态", 10, "L2")}},
		{Unit: centre, By: by, Class: "301001", Name: "洪山区政务网络线路信息", Summary: "政务外网接入单位、链路和带宽。", Share: "refused", Why: "《中华人民共和国网络安全法》第二十一条", Cycle: "quarterly", Words: []string{"网络"},
			Items: []ResourceItem{coded("接入单位", 100, "L4"), coded("链路编号", 32, "L4"), number("带宽", "L4")}},
		{Unit: centre, By: by, Class: "301001", Name: "洪山区政务云资源使用信息", Summary: "各单位云主机、存储的分配与使用情况。", Share: "conditional", Why: "限使用单位查询本单位资源", Cycle: "daily", Words: []string{"政务云"},
			Items: []ResourceItem{coded("单位名称", 100, "L2"), number("云主机数", "L2"), number("存储容量", "L2")}},
		{Unit: centre, By: by, Class: "210001", Name: "洪山区社区网格划分信息", Summary: "街道、社区、网格的编码、名称与网格员配备数。", Share: "unconditional", Cycle: "halfyear", Words: []string{"社区", "网格"},
			Items: []ResourceItem{coded("社区代码", 12, "L1"), coded("社区名称", 80, "L1"), coded("网格编号", 20, "L1"), number("网格员数", "L2")}},
		{Unit: centre, By: by, Class: "201001", Name: "洪山区政务服务办件统计信息", Summary: "各窗口办件量、按时办结率和满意度的汇总。", Share: "unconditional", Open: true, Cycle: "monthly", Words: []string{"政务服务", "办件"},
			Items: []ResourceItem{coded("事项名称", 200, "L1"), number("办件数", "L1"), number("按时办结数", "L1"), coded("满意度", 10, "L1")}},
		{Unit: centre, By: by, Class: "105001", Name: "洪山区电子证照调用记录信息", Summary: "各部门调用电子证照的次数、事项与结果。", Share: "conditional", Why: "限监督检查和履行审计职责使用", Cycle: "daily", Words: []string{"电子证照"},
			Items: []ResourceItem{coded("证照类型", 60, "L2"), coded("调用单位", 100, "L2"), {Name: "调用时间", Type: "T", Level: "L2"}, coded("结果", 20, "L2")}},
		{Unit: "YB", By: "yibao.data", Class: "203001", Name: "洪山区医疗救助对象信息", Summary: "享受医疗救助的人员与救助类别。", Share: "conditional", Why: "限社会救助、医疗保障经办使用", Cycle: "monthly", Words: []string{"医保", "救助"},
			Items: append(person, coded("救助类别", 40, "L3")), Draft: true},
		{Unit: "YB", By: "yibao.data", Class: "203001", Name: "洪山区定点医药机构信息", Summary: "医保定点医疗机构和零售药店名录。", Share: "unconditional", Open: true, Cycle: "quarterly", Words: []string{"医保", "机构"},
			Items: []ResourceItem{coded("机构名称", 200, "L1"), coded("机构类型", 40, "L1"), coded("地址", 200, "L1")}, Draft: true},
	}
}
