package codes

import (
	"slices"
	"strings"
)

// headerRule says which headers name a kind. Headers are compared in small letters without blanks and underscores.
type headerRule struct {
	kind   Kind
	inside []string // anywhere in the header
	ends   []string // at its end
	whole  string   // the whole header or its last words: a list parted by blanks
	vague  string   // the same, but the word has other uses as well
	not    []string // makes it something else
}

// names reports whether the header plainly says r.kind.
func (r headerRule) names(header string, tails []string) bool {
	return slices.ContainsFunc(r.inside, func(w string) bool { return strings.Contains(header, w) }) ||
		slices.ContainsFunc(r.ends, func(w string) bool { return strings.HasSuffix(header, w) }) ||
		slices.ContainsFunc(tails, func(t string) bool { return listed(r.whole, t) })
}

// hints reports whether the header may mean r.kind.
func (r headerRule) hints(tails []string) bool {
	return slices.ContainsFunc(tails, func(t string) bool { return listed(r.vague, t) })
}

func (r headerRule) refused(header string) bool {
	return slices.ContainsFunc(r.not, func(w string) bool { return strings.Contains(header, w) })
}

// notPersonal and notPersonalWords turn a header into one that speaks about the thing and not of it: 手机号类型,
// 是否有地址, phone_type, ip_address.
var notPersonal = []string{
	"类型", "类别", "种类", "是否", "状态", "数量", "个数", "人数", "次数", "比例", "占比", "有效期", "签发", "发证",
	"网址", "链接", "ip地址", "mac地址", "网络地址", "设备地址", "接口地址", "编码规则",
}

const notPersonalWords = "type count flag status ratio hash valid ip mac url"

// listed reports whether a list parted by blanks has word.
func listed(list, word string) bool {
	return word != "" && strings.Contains(" "+list+" ", " "+word+" ")
}

// headerRules in the order they are tried: 法人身份证号 is an ID, 联系人电话 a phone, 邮箱地址 an e-mail, and what is left
// of 人 and 姓名 is a name.
var headerRules = []headerRule{
	{kind: KindUSCC,
		inside: []string{"信用代码", "creditcode", "unifiedsocial", "xinyongdaima"},
		whole:  "tyshxydm shxydm xydm tyxydm uscc usci uscccode"},
	{kind: KindID,
		inside: []string{"身份证", "公民身份", "居民身份", "身份号", "证件号", "idcard", "identitycard", "identitynumber", "identityno",
			"citizenid", "residentid", "nationalid", "shenfenzheng", "shenfenhao", "zhengjianhao"},
		whole: "sfz sfzh sfzhm sfzhao sfzjh sfzjhm gmsfhm gmsfzh gmsfzhm zjh zjhm sfhm frsfzh idno idnum idnumber certno certnumber cardid",
		vague: "证号 cert 身份",
		not:   []string{"日期", "时间", "地址", "住址", "姓名", "date", "address", "编号规则"}},
	{kind: KindMobile,
		inside: []string{"手机", "移动电话", "mobile", "cellphone", "shouji"},
		whole:  "sjh sjhm yddh lxsj cell cellno",
		vague:  "sj",
		not:    []string{"品牌", "型号", "归属", "brand", "model"}},
	{kind: KindPhone,
		inside: []string{"电话", "联系方式", "座机", "固话", "传真", "phone", "dianhua"},
		whole:  "lxdh lxfs dhhm gddh zjdh jtdh bgdh tel telno fax contactnumber contactno",
		vague:  "dh",
		not:    []string{"接通", "通话", "费", "model", "brand"}},
	{kind: KindEmail,
		inside: []string{"邮箱", "电子邮件", "邮件地址", "email", "youxiang"},
		whole:  "dzyx dzyj mail mailbox",
		vague:  "yx",
		not:    []string{"邮箱容量", "内容", "标题"}},
	{kind: KindBank,
		inside: []string{"银行卡", "银行账", "银行帐", "银行账号", "开户账号", "开户帐号", "收款账", "收款帐", "bankcard", "bankaccount", "yinhangka"},
		whole:  "yhk yhkh yhkhm yhzh yhzhm khzh accountno accountnumber",
		vague:  "卡号 账号 帐号 账户 cardno cardnumber account kh zh",
		not:    []string{"户名", "余额"}},
	{kind: KindPlate,
		inside: []string{"车牌", "号牌号", "licenseplate", "platenumber", "plateno", "carnumber", "chepai"},
		whole:  "cph cphm hphm carno plate",
		vague:  "cp",
		not:    []string{"颜色"}},
	{kind: KindBirth,
		inside: []string{"出生日", "出生年", "生日", "出生时间", "birthday", "birthdate", "dateofbirth", "chushengriqi"},
		whole:  "csrq csny csnyr birth dob 出生",
		not:    []string{"登记"}},
	{kind: KindAddress,
		inside: []string{"地址", "住址", "住所", "户籍地", "户口所在", "居住地", "现住", "门牌", "address", "dizhi"},
		whole:  "dz jtzz jtdz hjdz hjdzxz txdz xzz xzd jzdz lxdz addr",
		vague:  "zz"},
	{kind: KindName,
		inside: []string{"姓名", "xingming", "realname", "fullname", "personname", "中文名"},
		ends:   []string{"户主", "法人", "代表人", "负责人", "联系人", "监护人", "申请人", "经办人", "当事人", "参保人", "保险人", "承租人", "权利人"},
		whole: "xm 名字 人名 本人 配偶 父亲 母亲 frdb fddbr lxr hzxm contactname ownername custname customername employeename " +
			"studentname",
		vague: "name mz hz truename username 人员 员工 业主 车主 患者 学生",
		not:   []string{"名称", "企业名", "单位名"}},
}
