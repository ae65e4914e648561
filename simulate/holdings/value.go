package holdings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// choices are the values of columns that take one of a few, the commonest first.
var choices = map[string][]string{
	"性别": {"男", "女"}, "民族": {"汉族", "汉族", "汉族", "汉族", "回族", "土家族", "满族"}, "登记状态": {"存续", "存续", "存续", "注销", "吊销"}, "登记类型": {"结婚", "结婚", "离婚"},
	"低保类别": {"城市", "农村"}, "参保状态": {"正常参保", "正常参保", "暂停参保", "终止参保"}, "参保险种": {"职工养老", "居民养老", "失业", "工伤"}, "参保类型": {"职工医保", "居民医保"},
	"处置状态": {"已办结", "已办结", "处置中", "待派遣"}, "事件等级": {"一般", "一般", "一般", "较大", "重大"}, "在线状态": {"在线", "在线", "在线", "离线"}, "完好状态": {"完好", "完好", "缺损"},
	"办件状态": {"办结", "办结", "在办", "退回"}, "缴存状态": {"正常", "正常", "封存"}, "年级": {"一年级", "二年级", "三年级", "四年级", "五年级", "六年级", "七年级", "八年级", "九年级"},
	"满意度等级": {"满意", "满意", "基本满意", "不满意"}, "评价等级": {"A", "B", "B", "C", "D"}, "信用等级": {"A", "B", "B", "M", "C", "D"}, "行业门类": {"制造业", "批发和零售业", "信息传输软件业", "建筑业", "住宿和餐饮业"},
	"残疾类别": {"肢体", "视力", "听力", "言语", "智力", "精神", "多重"}, "残疾等级": {"一级", "二级", "三级", "四级"}, "审核状态": {"通过", "通过", "待审"}, "有效状态": {"有效", "有效", "失效"},
	"企业类型": {"有限责任公司", "有限责任公司", "股份有限公司", "个人独资企业", "合伙企业"}, "水质类别": {"Ⅱ类", "Ⅲ类", "Ⅲ类", "Ⅳ类", "劣Ⅴ类"}, "数据来源": {"业务系统", "业务系统", "人工填报"},
}

var (
	streets = []string{"珞南街道", "关山街道", "狮子山街道", "张家湾街道", "梨园街道", "卓刀泉街道", "洪山街道", "和平街道", "青菱街道", "天兴乡"}
	roads   = []string{"珞喻路", "雄楚大道", "文治街", "文荟街", "书城路", "南李路", "白沙洲大道", "团结大道", "野芷湖西路", "马湖路"}
	trades  = []string{"科技", "商贸", "建筑工程", "餐饮管理", "物业服务", "教育咨询", "医疗器械", "物流", "电子", "环保"}
	words   = []string{"华", "盛", "江", "汉", "楚", "洪", "达", "信", "丰", "源", "鑫", "瑞", "恒", "泰", "博", "远"}
)

// value makes the value of a column by its title.
func (m *maker) value(title string) string {
	switch title {
	case "公民身份号码", "男方身份号码", "女方身份号码", "母亲身份号码":
		return m.who.ID
	case "姓名", "男方姓名", "新生儿姓名":
		return m.who.Name
	case "出生日期":
		return m.who.Birth
	case "性别":
		return m.who.Sex
	case "民族":
		return m.who.Nation
	case "统一社会信用代码", "纳税人识别号":
		return creditCode(m.firm)
	case "单位名称", "企业名称", "主体名称", "行政相对人名称":
		return firmName(m.firm)
	case "所属街道", "落地街道":
		return streets[m.r.IntN(len(streets))]
	case "所属社区":
		return roads[m.r.IntN(len(roads))][:6] + "社区"
	case "联系电话":
		return fmt.Sprintf("1%d%09d", 3+m.r.IntN(6), m.r.IntN(1_000_000_000))
	case "备注":
		return ""
	case "年龄":
		return strconv.Itoa(60 + m.r.IntN(40))
	}
	if c := choices[title]; c != nil {
		return c[m.r.IntN(len(c))]
	}
	return m.shaped(title)
}

// shaped makes a value by how the title ends.
func (m *maker) shaped(title string) string {
	ends := func(all ...string) bool {
		for _, e := range all {
			if strings.HasSuffix(title, e) {
				return true
			}
		}
		return false
	}
	switch {
	case ends("日期", "有效期至"):
		if ends("有效期至", "到期日期", "结束日期", "下次检验日期") {
			return m.from.AddDate(3, m.r.IntN(12), 0).Format(time.DateOnly)
		}
		return m.from.Format(time.DateOnly)
	case ends("时间"):
		return m.from.Add(time.Duration(m.r.IntN(72)) * time.Hour).Format(time.DateTime)
	case ends("月份"):
		return m.from.Format("2006-01")
	case ends("年度", "年份"):
		return strconv.Itoa(m.from.Year())
	case ends("季度"):
		return fmt.Sprintf("%dQ%d", m.from.Year(), int(m.from.Month()-1)/3+1)
	case ends("金额", "基数", "资本"):
		return fmt.Sprintf("%.2f", m.r.ExpFloat64()*5000+100)
	case ends("增速", "比例"):
		return fmt.Sprintf("%.1f", m.r.NormFloat64()*8+5)
	case ends("人数", "数量", "次数", "户数", "台数", "泊位数量", "树龄", "数额"):
		return strconv.Itoa(int(m.r.ExpFloat64()*60) + 1)
	case ends("面积", "量", "长度", "重量", "时长"):
		return fmt.Sprintf("%.1f", m.r.ExpFloat64()*300+1)
	case ends("数值", "分值", "指数"):
		return fmt.Sprintf("%.2f", m.r.NormFloat64()*12+60)
	case ends("编号", "编码", "代码", "证号", "号", "文号", "号码"):
		return fmt.Sprintf("HS%s%07d", m.from.Format("2006"), m.at+1)
	case ends("姓名", "负责人", "经办人", "代表人", "当事人", "法人"):
		return m.who.Name
	case ends("地址", "地点", "位置", "坐落", "道路"):
		return fmt.Sprintf("洪山区%s%d号", roads[m.r.IntN(len(roads))], 1+m.r.IntN(900))
	case ends("名称", "机关", "机构", "法院", "单位"):
		return firmName(m.r.IntN(firms))
	case ends("等级", "类别", "类型", "状态", "方式", "结果", "结论", "种类", "事项", "原因", "环节"):
		return title[len(title)-6:] + string([]rune("甲乙丙丁戊")[min(4, int(m.r.ExpFloat64()))])
	}
	return string([]rune("登记核查整改办理巡查协调")[m.r.IntN(6)*2:][:2]) + strconv.Itoa(1+m.r.IntN(40))
}

// firmName is the name of a firm by its number.
func firmName(n int) string {
	return "武汉" + words[n%len(words)] + words[n/len(words)%len(words)] + words[n/256%len(words)] + trades[n%len(trades)] + "有限公司"
}
