package burden

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/burden/internal/match"
	"qushu/internal/kernel/org"
	"qushu/internal/room"
)

// theRule is what a refusal cites.
const theRule = "《政务信息资源共享管理暂行办法》（国发〔2016〕51号）：凡属于共享平台可以获取的信息，各政务部门原则上不得要求自然人、法人或其他组织重复提交（一数一源）；《政务数据共享条例》（国务院令第809号）：通过共享获取政务数据能够满足履行职责需要的，不得重复收集。"

// usual is how many seconds a value of a kind takes to be looked up and written down; a district sets its own.
var usual = map[string]int{"text": 60, "number": 60, "date": 30, "choice": 20, "id": 40, "phone": 30, "uscc": 40, "name": 20, "address": 60, "unit": 10, "street": 10, "code": 20}

// synonyms are groups of words forms use for the same.
var synonyms = []string{
	"公民身份号码=身份证号码=身份证号=身份证件号码=证件号码=居民身份证号", "统一社会信用代码=社会信用代码=信用代码=统一信用代码", "联系电话=联系方式=手机号码=手机号=移动电话=电话号码=电话",
	"姓名=名字=人员姓名", "性别=男女", "出生日期=出生年月=生日", "居住地址=现住址=家庭住址=常住地址=住址", "单位名称=企业名称=机构名称=法人名称",
	"社区名称=社区=村（社区）=社区（村）名称", "社区代码=社区编码=社区编号", "低保户数=最低生活保障户数", "网格员数=网格员人数=网格员数量", "常住人口数=常住人口=常住人口总数", "民族=族别", "文化程度=学历",
}

// generic are words that say too little by themselves: 地址 of a pharmacy is not that of a resident.
var generic = []string{"名称", "姓名", "地址", "联系电话", "联系人", "备注", "类型", "类别", "数量", "金额", "日期", "时间", "月份", "年份", "街道", "社区", "单位名称", "机构名称", "负责人", "状态", "编号", "说明"}

func declared() []room.Setting {
	out := []room.Setting{{Name: "rule", Default: theRule, Admin: room.System}, {Name: "reviewer", Default: "", Admin: room.System}, {Name: "synonyms", Default: synonyms, Admin: room.System}, {Name: "generic", Default: generic, Admin: room.System},
		{Name: "check_days", Default: 3, Min: 1, Max: 60, Admin: room.System}, {Name: "term_days", Default: 365, Min: 1, Max: 1825, Admin: room.System},
		{Name: "sure", Default: 90, Min: 60, Max: 100, Admin: room.System}, {Name: "likely", Default: 62, Min: 30, Max: 100, Admin: room.System}}
	for _, k := range kinds {
		out = append(out, room.Setting{Name: "seconds_" + k, Default: usual[k], Min: 0, Max: 36_000, Admin: room.System})
	}
	return out
}

func (b *Burden) number(ctx context.Context, name string) int {
	return b.settings.Int(ctx, "burden."+name)
}

// seconds is how long a kind of field takes.
func (b *Burden) seconds(ctx context.Context) func(kind string) int64 {
	return func(kind string) int64 { return int64(b.number(ctx, "seconds_"+kind)) }
}

// same are the groups of synonyms that are set.
func (b *Burden) same(ctx context.Context) (out [][]string) {
	for _, line := range b.settings.Strings(ctx, "burden.synonyms") {
		out = append(out, strings.Split(line, "="))
	}
	return out
}

// vague reports whether a field's name says too little to be held by itself.
func (b *Burden) vague(ctx context.Context) func(name string) bool {
	words := map[string]bool{}
	for _, w := range b.settings.Strings(ctx, "burden.generic") {
		words[match.Norm(w)] = true
	}
	return func(name string) bool { return words[match.Norm(name)] }
}

// reviewer is the id of the unit that checks reports, named in a setting by its code, its id or its name; "" for whoever has the role.
func (b *Burden) reviewer(ctx context.Context, q store.Queryer) (string, error) {
	said := strings.TrimSpace(b.settings.String(ctx, "burden.reviewer"))
	if said == "" {
		return "", nil
	}
	for _, by := range []func() (org.Unit, error){
		func() (org.Unit, error) { return b.org.UnitByCode(ctx, q, said) },
		func() (org.Unit, error) { return b.org.Unit(ctx, q, said) },
	} {
		u, err := by()
		if err == nil {
			return u.ID, nil
		}
		if !errs.Is(err, errs.Missing) {
			return "", err
		}
	}
	all, err := b.org.SearchUnits(ctx, q, said, 5)
	for _, u := range all {
		if u.Name == said || u.Short == said {
			return u.ID, err
		}
	}
	return "", err
}

// settingChanged draws the flow again where its limit has changed; what runs keeps its own.
func (b *Burden) settingChanged(ctx context.Context, e struct {
	Name string `json:"name"`
}) error {
	if e.Name != "burden.check_days" {
		return nil
	}
	return b.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error { return b.deploy(ctx, tx) })
}

type ruleOut struct {
	Body struct {
		Rule    string         `json:"rule" doc:"what a refusal cites"`
		Seconds map[string]int `json:"seconds" doc:"usual of each kind of field"`
		Sure    int            `json:"sure" doc:"score from which a field counts as held"`
		Term    int            `json:"termDays" doc:"of an approval"`
	}
}

func (b *Burden) rule(ctx context.Context, _ *struct{}) (*ruleOut, error) {
	out := &ruleOut{}
	out.Body.Rule, out.Body.Seconds, out.Body.Sure, out.Body.Term = b.settings.String(ctx, "burden.rule"), map[string]int{}, b.number(ctx, "sure"), b.number(ctx, "term_days")
	for _, k := range kinds {
		out.Body.Seconds[k] = b.number(ctx, "seconds_"+k)
	}
	return out, nil
}
