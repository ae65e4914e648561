package district

import "fmt"

// Role is a template of a role: what a kind of user is called. Its permissions are for whoever knows the rooms.
type Role struct{ Key, Name, NameEN string }

// Roles are the kinds of users, each once in Cast.
func Roles() []Role {
	return []Role{
		{"leader", "领导", "Leader"},
		{"unit_admin", "单位管理员", "Unit administrator"},
		{"data_officer", "数据专员", "Data officer"},
		{"data_reader", "数据查询员", "Data reader"},
		{"reviewer", "审核员", "Reviewer"},
		{"notice_publisher", "信息发布员", "Notice publisher"},
		{"district_publisher", "区级通知发布员", "District notice publisher"},
		{"duty_officer", "值班员", "Duty officer"},
		{"iot_keeper", "物联设备管理员", "Keeper of devices"},
		{"grid_worker", "网格员", "Grid worker"},
		{"enterprise_service", "企业服务专员", "Enterprise service officer"},
	}
}

// Account is a named account of the demonstration. An administrator is no person of the district: Admin is
// system, security or audit then, and the fields after Name are empty.
type Account struct {
	Login    string
	Name     string
	Admin    string
	StaffNo  string
	Unit     string // key of the unit of the main post
	UnitName string
	Title    string
	Role     string   // key of Roles, "" for somebody without a role
	More     []string // keys of roles of declared applications
	Note     string   // what to try with it, for the README and the list printed once
}

// applied are the roles of declared applications that an account has beside its own, by its login.
var applied = map[string][]string{
	"zhuodaoquan.grid":     {"dispute_registrar"},
	"zhuodaoquan.centre":   {"dispute_centre"},
	"zhuodaoquan.mediator": {"dispute_mediator"},
	"zongzhi.duty":         {"dispute_district"},
	"centre.data":          {"itreview_reviewer", "catalog_editor", "catalog_centre", "burden_editor"},
	"centre.info":          {"app_designer", "catalog_reviewer"},
	"shenpi.review":        {"catalog_bureau", "burden_checker"},
	"yibao.data":           {"catalog_editor", "burden_editor"},
	"minzheng.reader":      {"burden_editor"},
	"jiaoyu.notice":        {"burden_editor"},
	"qiye.service":         {"burden_editor"},
	"shuiwu.admin":         {"burden_editor"},
	"shizishan.leader":     {"burden_street"},
	"jiguan.service": {"vehicle_dispatcher", "meetingroom_keeper", "repair_desk", "repair_worker", "supplies_keeper", "supplies_manager",
		"canteen_manager", "visitor_gate", "archive_keeper"},
}

// part is an account before its person is found: the n-th member of a unit, in the order of hiring.
type part struct {
	login, unit string
	n           int
	role, note  string
}

// Cast lists one account for each kind of user, the three administrators first.
func (d *District) Cast() ([]Account, error) {
	out := []Account{
		{Login: "hs.system", Name: "系统管理员", Admin: "system", Note: "单位、人员、系统设置与运行状况"},
		{Login: "hs.security", Name: "安全管理员", Admin: "security", Note: "角色、授权与安全策略"},
		{Login: "hs.audit", Name: "审计管理员", Admin: "audit", Note: "审计日志的查询与核验"},
	}
	for _, p := range []part{
		{"yibao.data", "YB-5", 2, "data_officer", "上传本单位的表格，按规则查询人口数据"},
		{"centre.data", "DSJ-3", 2, "data_officer", "上传全区的人口表，编制目录、核验挂接"},
		{"centre.info", "DSJ-5", 1, "district_publisher", "信息办公室三人之一，发布全区通知，设计应用、管理可预约的资源"},
		{"minzheng.reader", "MZ-2", 2, "data_reader", "查询一条人口记录，说明用途后查看一个脱敏字段；起草社区报表"},
		{"shenpi.review", "SP-3", 2, "reviewer", "审核和发布数据目录，审查报表准入，看减负计量"},
		{"jiaoyu.notice", "ED-1", 2, "notice_publisher", "向本单位发布通知，查看签收情况"},
		{"zongzhi.duty", "ZB-51", 3, "duty_officer", "区政府总值班室值班"},
		{"zhuodaoquan.grid", "420111006005", 8, "grid_worker", "卓刀泉社区网格员"},
		{"qiye.service", "JX-51", 9, "enterprise_service", "区企业服务中心走访企业"},
		{"shuiwu.admin", "SW-1", 2, "unit_admin", "维护本单位的人员与任职"},
		{"shuiwu.iot", "SW-2", 1, "iot_keeper", "登记和管理物联设备，修改告警线，处置告警"},
		{"quwei.leader", Code, 5, "leader", "常务副区长，看全区情况"},
		{"shizishan.leader", "420111003", 0, "leader", "狮子山街道党工委书记，看本街道情况"},
		{"chengguan.staff", "CG-2", 3, "", "普通工作人员，只看工作台和通知"},
		{"zhuodaoquan.centre", "420111006", 7, "", "卓刀泉街道政法委员，矛调中心受理和分流纠纷"},
		{"zhuodaoquan.mediator", "420111006", 9, "", "卓刀泉街道办事处副主任，兼人民调解员，调处纠纷"},
		{"jiguan.service", "ZB-52", 3, "", "区机关事务服务中心，办理用车、会议室、报修、领用、订餐、来访"},
	} {
		at := d.inUnit[p.unit]
		if p.n >= len(at) {
			return nil, fmt.Errorf("district: unit %s has no member %d for the account %s", p.unit, p.n, p.login)
		}
		who := d.People[at[p.n]]
		u, _ := d.Unit(p.unit)
		out = append(out, Account{Login: p.login, Name: who.Name, StaffNo: who.StaffNo, Unit: p.unit, UnitName: u.Name, Title: who.Posts[0].Title, Role: p.role, More: applied[p.login], Note: p.note})
	}
	return out, nil
}
