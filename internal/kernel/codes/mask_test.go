package codes

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func TestMask(t *testing.T) {
	for _, x := range []struct {
		kind     Kind
		in, want string
	}{
		{KindName, "张三", "张*"},
		{KindName, "张小三", "张*三"},
		{KindName, "欧阳小三", "欧**三"},
		{KindName, "张", "*"},
		{KindName, "张　三", "张*"},
		{KindName, "张.三", "张*"},
		{KindName, "张\u200b三1", "张*"},
		{KindName, "买买提·艾力", "买***力"},
		{KindName, "John Smith", "J*******h"},
		{KindName, "\ue000三", "\ue000*"},
		{KindName, "12", "**"},

		{KindID, "420111198506152036", "420111********2036"},
		{KindID, "11010519491231002x", "110105********002X"},
		{KindID, "４２０１１１１９８５０６１５２０３６", "420111********2036"},
		{KindID, "420111850615203", "420111******203"},
		{KindID, "42011119850615203", "4201*********5203"}, // a digit is missing: masked like other
		{KindID, "E12345678", "E1*****78"},
		{KindID, "无", "*"},
		{KindIDStrict, "420111198506152036", "4****************6"},
		{KindIDStrict, "420111850615203", "4*************3"},
		{KindIDStrict, "E12345678", "E*******8"},

		{KindMobile, "13812345678", "138****5678"},
		{KindMobile, "+86 138 1234 5678", "138****5678"},
		{KindMobile, "138123456789", "138******789"},
		{KindPhone, "13812345678", "138****5678"},
		{KindPhone, "027-87651234", "027-****1234"},
		{KindPhone, "02787651234", "027-****1234"},
		{KindPhone, "(027)8765-1234", "027*******234"},
		{KindPhone, "0710-3451234", "0710-****1234"},
		{KindPhone, "87651234", "****1234"},
		{KindPhone, "027-87651234-801", "027-****1234-****"},
		{KindPhone, "13812345678，027-87651234/13912345678", "138****5678,027-****1234/139****5678"},
		{KindPhone, "12345", "1***5"},

		{KindAddress, "武汉市洪山区狮子山街南湖大道1号3栋2单元501室", "武汉市洪山区狮子山街****"},
		{KindAddress, "湖北省武汉市洪山区狮子山街道南湖社区3栋", "湖北省武汉市洪山区狮子山街道****"},
		{KindAddress, "湖北省 武汉市 洪山区 珞喻路1037号", "湖北省武汉市洪山区****"},
		{KindAddress, "武汉市洪山区天兴乡复兴村12号", "武汉市洪山区天兴乡****"},
		{KindAddress, "武汉市武昌区中南路街道12号", "武汉市武昌区中南路街道****"},
		{KindAddress, "洪山区街道口未来城A座1201", "洪山区****"},
		{KindAddress, "洪山区珞瑜路光谷步行街12栋", "洪山区****"},
		{KindAddress, "南湖花园小区3栋", "****"},
		{KindAddress, "狮子山街道学府社区8号", "狮子山街道****"},
		{KindAddress, "学府街12号", "****"},
		{KindAddress, "恩施土家族苗族自治州恩施市舞阳坝街道1号", "恩施土家族苗族自治州恩施市舞阳坝街道****"},
		{KindAddress, "3号楼", "****"},
		{KindAddress, "12 Luoyu Road, Wuhan", "****"},
		{KindAddress, "张三家13812345678", "****"},

		{KindBank, "6222021234567891234", "**** **** **** 1234"},
		{KindBank, "6222 0212 3456 1234", "**** **** **** 1234"},
		{KindBank, "12345678", "12****78"},
		{KindEmail, "zhang@hs.gov.cn", "z***@hs.gov.cn"},
		{KindEmail, "z@hs.gov.cn", "***@hs.gov.cn"},
		{KindEmail, "张三@hs.gov.cn", "张***@hs.gov.cn"},
		{KindEmail, "zhang@x.cn 13812345678", maskOther("zhang@x.cn13812345678", 4)},
		{KindEmail, "13812345678", "13*******78"},
		{KindPlate, "鄂A12312", "鄂A***12"},
		{KindPlate, "鄂A·D12312", "鄂A****12"},
		{KindPlate, "电动自行车0012", "电动*****12"},
		{KindBirth, "1985-06-15", "1985-**-**"},
		{KindBirth, "19850615", "1985-**-**"},
		{KindBirth, "1985年6月15日", "1985-**-**"},
		{KindBirth, "1985", "1985-**-**"},
		{KindBirth, "15/06/1985", "****-**-**"},
		{KindBirth, "198506152036", "****-**-**"},
		{KindUSCC, "91350100m000100y43", "91350100M000100Y43"},
		{KindUSCC, "420111198506152036", "420111********2036"},
		{KindUSCC, "420111850615203", "420111******203"},
		{KindUSCC, "91350100M000100Y44", "9135**********0Y44"},
		{KindOther, "汉族", "**"},
		{KindOther, "某某公司财务", "某****务"},
		{KindOther, strings.Repeat("秘", 1000), "秘秘秘秘" + strings.Repeat("*", 24) + "秘秘秘秘"},
		{"no_such_kind", "13812345678", "13*******78"},
		{KindMobile, "  ", ""},
		{KindBirth, "", ""},
	} {
		if got := Mask(x.kind, x.in); got != x.want {
			t.Errorf("%s %q: %q, want %q", x.kind, x.in, got, x.want)
		}
	}
}

// limits says what may stand in a masked value of each kind, besides stars.
var limits = map[Kind]*regexp.Regexp{
	KindName:     regexp.MustCompile(`^[^*]?\*+[^*]?$`),
	KindID:       regexp.MustCompile(`^(\d{6}\*{8}\d{3}[\dX]|\d{6}\*{6}\d{3}|[^*]{0,4}\*+[^*]{0,4})$`),
	KindIDStrict: regexp.MustCompile(`^[^*]?\*+[^*]?$`),
	KindBirth:    regexp.MustCompile(`^(\d{4}|\*{4})-\*\*-\*\*$`),
	KindAddress:  regexp.MustCompile(`^\p{Han}*\*{4}$`),
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"420111198506152036", "张小三", "13812345678", "027-87651234-801", "武汉市洪山区狮子山街南湖大道1号", "zhang@hs.gov.cn",
		"鄂AD12312", "1985-06-15", "91350100M000100Y43", "欧·三", "街道街道口", "*", "138****5678,,0*", "\xffa@b.cn", "'@x.cn", "--", "0271*******", "某某区某某街路街"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range Kinds() {
			once := Mask(k, s)
			if twice := Mask(k, once); twice != once {
				t.Fatalf("%s: %q, then %q, then %q", k, s, once, twice)
			}
			v := Normalise(k, s)
			if v != "" && once == "" {
				t.Fatalf("%s: %q vanished", k, s)
			}
			if v == "" || k == KindUSCC || strings.Contains(v, "*") {
				continue
			}
			if !strings.Contains(once, "*") && strings.ContainsFunc(v, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
				t.Fatalf("%s: %q shows as %q", k, s, once)
			}
			if limit := limits[k]; limit != nil && !limit.MatchString(once) {
				t.Fatalf("%s: %q shows as %q", k, s, once)
			}
			if digits := count(once, unicode.IsDigit); k != KindEmail && k != KindPhone && k != KindMobile && digits > 10 {
				t.Fatalf("%s: %q shows %d digits as %q", k, s, digits, once)
			}
		}
	})
}

func count(s string, is func(rune) bool) int {
	n := 0
	for _, r := range s {
		if is(r) {
			n++
		}
	}
	return n
}

// Whatever column a person's number ends up in, no mask lets it through.
func TestMaskInTheWrongColumn(t *testing.T) {
	for _, s := range []string{"420111198506152036", "11010519491231002X", "13812345678", "6222021234567890128", "420111850615203"} {
		for _, k := range Kinds() {
			if got := Mask(k, s); count(got, unicode.IsDigit) > 10 || got == s {
				t.Errorf("%s shows %s as %s", k, s, got)
			}
		}
	}
}
