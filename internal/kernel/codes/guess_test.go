package codes

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func people(n int) (ids, mobiles, names, addresses, creditCodes []string) {
	given := []rune("建国秀英伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚")
	family := []rune("王李张刘陈杨黄周")
	for i := range n {
		ids = append(ids, Fictional(i*131))
		mobiles = append(mobiles, "13"+strings.Repeat(string(rune('0'+i%10)), 5)+"1234")
		names = append(names, string(family[i%len(family)])+string(given[i%len(given)])+string(given[(i*7+1)%len(given)]))
		addresses = append(addresses, "武汉市洪山区珞南街道珞喻路"+string(rune('1'+i%9))+"号")
		code, _ := MakeCreditCode("91", "420111", "MA4K000"+string(rune('0'+i%10)))
		creditCodes = append(creditCodes, code)
	}
	return
}

func TestGuessByHeader(t *testing.T) {
	for kind, headers := range map[Kind]string{
		KindID: "身份证号 公民身份号码 身份证号码 身份证 居民身份证号码 证件号码 法人身份证号 户主身份证号（18位） sfzh SFZHM gmsfhm zjhm frsfzh id_no ID_CARD " +
			"idCardNo identity_number citizen_id czrk_sfzh owner_id_card shenfenzhenghao 监护人证件号",
		KindMobile: "手机号码 手机 联系手机 移动电话 mobile Mobile_No sjh sjhm cellphone 手机号(必填) yh_sjhm",
		KindPhone:  "联系电话 电话 电话号码 固定电话 联系方式 座机 lxdh phone userPhone contact_phone tel 联系人电话 紧急联系人电话",
		KindName:   "姓名 户主姓名 真实姓名 xm 法定代表人 企业法定代表人 联系人 负责人 被保险人 xingming real_name contactName 父亲姓名",
		KindAddress: "地址 住址 家庭住址 户籍地址 现住址 居住地址 户籍地 详细地址 经营地址 dz jtzz hjdz address home_address addr ship_address " +
			"身份证地址 居民身份证住址",
		KindBank:  "银行卡号 银行账号 开户银行账号 yhkh yhzh bank_card_no bankAccount 收款账号",
		KindEmail: "电子邮箱 邮箱 邮箱地址 email E-mail contact_email dzyx 电子邮件",
		KindPlate: "车牌号 车牌号码 号牌号码 cphm plate_no licensePlate",
		KindBirth: "出生日期 出生年月 生日 csrq birthday birth_date date_of_birth dob 出生",
		KindUSCC:  "统一社会信用代码 社会信用代码 信用代码 tyshxydm uscc credit_code 纳税人统一社会信用代码",
		"": "序号 性别 民族 学历 金额 备注 身份证类型 证件类型 手机型号 是否有手机号 电话数量 地址数量 ip_address IP地址 MAC地址 网址 " +
			"开户银行 企业名称 单位名称 商品名称 登记日期 创建时间 身份证有效期 phone_type 通话时长 id status 车牌颜色 街道 银行卡余额 电话费",
	} {
		for h := range strings.FieldsSeq(headers) {
			if got, sure := guessHeader(h); got != kind || kind != "" && sure < 0.8 {
				t.Errorf("%s: %q %.2f, want %q", h, got, sure, kind)
			}
		}
	}
}

func TestGuess(t *testing.T) {
	ids, mobiles, names, addresses, creditCodes := people(40)
	numbers := []string{"1", "2", "3", "40", "500"}
	half := append(append([]string{}, ids[:8]...), "护照E12345678", "不详", "", "", "无", "G7654321", "", "待补")
	for _, x := range []struct {
		name, header string
		samples      []string
		kind         Kind
		least, most  float64
	}{
		{"header and values", "身份证号", ids, KindID, 0.95, 1},
		{"values alone", "c1", ids, KindID, 0.9, 1},
		{"values alone, no header", "", mobiles, KindMobile, 0.85, 1},
		{"values beat the header", "姓名", ids, KindID, 0.9, 1},
		{"wrong header", "手机号", ids, KindID, 0.9, 1},
		{"mobiles under phone stay phone", "联系电话", mobiles, KindPhone, 0.95, 1},
		{"dirty column", "证件号码", half, KindID, 0.6, 0.95},
		{"dirty column without a header", "col_7", half, KindID, 0.5, 0.8},
		{"header over numbers", "手机号", numbers, KindMobile, 0.5, 0.5},
		{"header over nothing", "手机号", []string{"", " "}, KindMobile, 0.8, 0.9},
		{"names", "姓名", names, KindName, 0.95, 1},
		{"names alone", "f3", names, KindName, 0.5, 0.7},
		{"vague header, names", "name", names, KindName, 0.9, 1},
		{"vague header, numbers", "name", numbers, "", 0, 0},
		{"nations are no names", "mz", []string{"汉族", "回族", "汉族", "土家族", "汉族"}, "", 0, 0},
		{"addresses", "x", addresses, KindAddress, 0.75, 0.85},
		{"addresses under their header", "家庭住址", addresses, KindAddress, 0.95, 1},
		{"short addresses under their header", "家庭住址", []string{"南湖", "街道口"}, KindAddress, 0.6, 0.6},
		{"credit codes", "代码", creditCodes, KindUSCC, 0.9, 1},
		{"cards", "no", []string{"6222021234567890128", "4111111111111111", "4012888888881881", "5555555555554444", "6011111111111117"}, KindBank, 0.7, 0.8},
		{"order numbers", "订单号", []string{"2024010112345678", "2024010112345679", "2024010112345680", "2024010112345681", "2024010112345682"}, "", 0, 0},
		{"dates without a header", "日期", []string{"1985-06-15", "1990-01-01", "2001-03-04"}, "", 0, 0},
		{"dates under theirs", "出生日期", []string{"1985-06-15", "1990-01-01", "2001-03-04"}, KindBirth, 0.95, 1},
		{"mail", "m", []string{"a@hs.gov.cn", "b@hs.gov.cn", "c@hs.gov.cn", "d@hs.gov.cn", "e@hs.gov.cn"}, KindEmail, 0.9, 1},
		{"plates", "", []string{"鄂A12345", "鄂AD12345", "鄂A·1B2C3", "鄂B88888", "鄂A1234警"}, KindPlate, 0.9, 1},
		{"numbers", "数量", numbers, "", 0, 0},
		{"offices", "单位", []string{"洪山区教育局", "洪山街", "关山街道", "和平街", "区民政局"}, "", 0, 0},
		{"nothing", "", nil, "", 0, 0},
		{"masked already", "c", []string{"138****5678", "139****5678", "137****0000"}, "", 0, 0},
		{"long text", "正文", []string{strings.Repeat("关于", 500)}, "", 0, 0},
	} {
		kind, confidence := Guess(x.header, x.samples)
		if kind != x.kind || confidence < x.least || confidence > x.most {
			t.Errorf("%s: %q %.3f, want %q in [%v, %v]", x.name, kind, confidence, x.kind, x.least, x.most)
		}
	}
}

func FuzzGuess(f *testing.F) {
	f.Add("身份证号（必填）", "420111198506152036", "张三")
	f.Add("user_phoneNo", "+86 13812345678", "")
	f.Add("】)(", "武汉市洪山区珞喻路1号", "\xff")
	f.Fuzz(func(t *testing.T, header, a, b string) {
		kind, confidence := Guess(header, []string{a, b, a})
		if confidence < 0 || confidence > 1 || (kind == "") != (confidence == 0) || !utf8.ValidString(string(kind)) {
			t.Fatalf("%q %v", kind, confidence)
		}
		if again, same := Guess(header, []string{a, b, a}); again != kind || same != confidence {
			t.Fatal("one question, two answers")
		}
	})
}

func BenchmarkGuess(b *testing.B) {
	_, _, _, addresses, _ := people(200)
	for b.Loop() {
		Guess("备注", addresses)
	}
}
