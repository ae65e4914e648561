package codes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

var today = time.Date(2026, 3, 1, 9, 0, 0, 0, when.Zone)

func TestParseResidentID(t *testing.T) {
	for _, x := range []struct{ in, area, birth, sex string }{
		{"11010519491231002X", "110105", "1949-12-31", Female},
		{"11010519491231002x", "110105", "1949-12-31", Female},
		{"440524188001010014", "440524", "1880-01-01", Male},
		{"420111199001010010", "420111", "1990-01-01", Male},
		{"420111198506152036", "420111", "1985-06-15", Male},
		{"810000199408230021", "810000", "1994-08-23", Female}, // permit of a Hong Kong resident
	} {
		h, err := ParseResidentID(x.in, today)
		if err != nil || h.Number != strings.ToUpper(x.in) || h.Area != x.area || when.FormatDate(h.Birth) != x.birth || h.Sex != x.sex {
			t.Errorf("%s: %+v, %v", x.in, h, err)
		}
	}
}

// The sums and check characters published with the standard's algorithm.
func TestCheckDigit(t *testing.T) {
	for in, want := range map[string]byte{
		"11010519491231002": 'X', "44052418800101001": '4', "42011119900101001": '0', "42011119850615203": '6',
	} {
		if got := checkDigit(in); got != want {
			t.Errorf("%s: %c", in, got)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, x := range []struct {
		kind    Kind
		in, key string
	}{
		{KindID, "", "codes.id_length"},
		{KindID, "42011119850615203", "codes.id_length"},
		{KindID, "4201111985061520366", "codes.id_length"},
		{KindID, "420111850615203", "codes.id_old"},
		{KindID, "4.20111E+17", "codes.scientific"},
		{KindID, "42011119850615203A", "codes.id_chars"},
		{KindID, "4201111985061520X6", "codes.id_chars"},
		{KindID, "020111198506152036", "codes.id_chars"},
		{KindID, "４２０１１１１９８５０６１５２０３６", "codes.id_chars"}, // full width: Normalise first
		{KindID, "42011119850615203６", "codes.id_chars"},
		{KindID, "420111198502302034", "codes.id_birth"},
		{KindID, "420111198513152034", "codes.id_birth"},
		{KindID, "420111179906152034", "codes.id_birth"},
		{KindID, "420111202603022034", "codes.id_future"},
		{KindID, "420111198506152030", "codes.id_check"},
		{KindID, "42011119850615203X", "codes.id_check"},
		{KindIDStrict, "420111198506152030", "codes.id_check"},
		{KindUSCC, "420111000012345", "codes.uscc_old"},
		{KindUSCC, "9.13501E+17", "codes.scientific"},
		{KindUSCC, "91350100M000100Y4", "codes.uscc_length"},
		{KindUSCC, "91350100M000100YI3", "codes.uscc_chars"},
		{KindUSCC, "9135010AM000100Y43", "codes.uscc_chars"},
		{KindUSCC, "91350100M000100Y4３", "codes.uscc_chars"},
		{KindUSCC, "91350100M000100Y44", "codes.uscc_check"},
		{KindUSCC, "91350100M000101Y43", "codes.uscc_check"},
		{KindUSCC, "91350100M000100Y5" + outer(t, "91350100M000100Y5"), "codes.uscc_org"},
		{KindMobile, "1381234567", "codes.mobile_length"},
		{KindMobile, "12812345678", "codes.mobile"},
		{KindMobile, "138-1234567", "codes.mobile"},
		{KindPhone, "87654", "codes.phone"},
		{KindPhone, "027_87654321", "codes.phone"},
		{KindBank, "62220212345678901234", "codes.bank_length"},
		{KindBank, "4111111111111112", "codes.bank_check"},
		{KindBank, "0000000000000000", "codes.bank_check"},
		{KindBank, "6.22202E+15", "codes.scientific"},
		{KindEmail, "zhang@", "codes.email"},
		{KindEmail, "张@hs.gov.cn", "codes.email"},
		{KindEmail, "a@b", "codes.email"},
		{KindPlate, "鄂A1234", "codes.plate"},
		{KindPlate, "鄂AI2345", "codes.plate"},
		{KindPlate, "鄂A123456", "codes.plate"},
		{KindBirth, "1985-02-30", "codes.birth"},
		{KindBirth, "15/06/1985", "codes.birth"},
		{KindBirth, "1985-06", "codes.birth"},
		{KindBirth, "1799-12-31", "codes.birth"},
		{KindBirth, "2026-03-02", "codes.birth_future"},
	} {
		err := Check(x.kind, x.in, today)
		if errs.KeyOf(err) != x.key || !errs.Is(err, errs.Invalid) {
			t.Errorf("%s %q: %v, want %s", x.kind, x.in, err, x.key)
		}
		if err != nil && len(x.in) > 9 && strings.Contains(err.Error(), x.in) {
			t.Errorf("%s: the error repeats the value: %v", x.kind, err)
		}
	}
}

func outer(t *testing.T, s string) string {
	t.Helper()
	c, ok := creditCheck(s)
	if !ok {
		t.Fatal(s)
	}
	return string(c)
}

func TestCheckAccepts(t *testing.T) {
	for _, x := range []struct {
		kind Kind
		in   string
	}{
		{KindMobile, "13812345678"}, {KindMobile, "19912345678"},
		{KindPhone, "027-87654321"}, {KindPhone, "02787654321"}, {KindPhone, "87654321"}, {KindPhone, "0710-3456789"},
		{KindPhone, "027-87654321-801"}, {KindPhone, "400-800-8000"}, {KindPhone, "12345"}, {KindPhone, "110"}, {KindPhone, "13812345678"},
		{KindBank, "4111111111111111"}, {KindBank, "6222021234567890128"},
		{KindEmail, "z@hs.gov.cn"}, {KindEmail, "zhang.san+a@mail.example.com"},
		{KindPlate, "鄂A12345"}, {KindPlate, "鄂A1B2C3"}, {KindPlate, "鄂AD12345"}, {KindPlate, "鄂AF1234" + "5"}, {KindPlate, "鄂A12345D"},
		{KindPlate, "鄂A1234警"}, {KindPlate, "粤ZK123港"},
		{KindBirth, "1985-06-15"}, {KindBirth, "1985/6/15"}, {KindBirth, "1985.6.5"}, {KindBirth, "19850615"}, {KindBirth, "1985年6月15日"},
		{KindBirth, "1985-06-15 00:00:00"}, {KindBirth, "2026-03-01"},
		{KindName, "张三"}, {KindAddress, "武汉市"}, {KindOther, "x"},
	} {
		if err := Check(x.kind, x.in, today); err != nil {
			t.Errorf("%s %q: %v", x.kind, x.in, err)
		}
	}
}

func TestParseCreditCode(t *testing.T) {
	for _, x := range []struct{ code, category, area, organisation string }{
		{"91350100M000100Y43", "91", "350100", "M000100Y4"}, // the standard's own example
		{"91420111MA4K00010P", "91", "420111", "MA4K00010"},
		{"92420111MA4L0002X2", "92", "420111", "MA4L0002X"},
		{"11420111000001011D", "11", "420111", "000001011"},
		{"12420111MB1F000304", "12", "420111", "MB1F00030"},
		{"52420111MJH0000435", "52", "420111", "MJH000043"},
	} {
		c, err := ParseCreditCode(strings.ToLower(x.code))
		if err != nil || c.Code != x.code || c.Category != x.category || c.Authority != x.category[:1] || c.Area != x.area || c.Organisation != x.organisation {
			t.Errorf("%s: %+v, %v", x.code, c, err)
		}
		if made, err := MakeCreditCode(x.category, x.area, x.organisation[:8]); err != nil || made != x.code {
			t.Errorf("%s: made %s, %v", x.code, made, err)
		}
	}
	for in, want := range map[string]byte{"D2143569": 'X', "M000100Y": '4'} { // GB 11714
		if got, ok := organisationCheck(in); !ok || got != want {
			t.Errorf("%s: %c", in, got)
		}
	}
	for _, bad := range [][3]string{{"9", "420111", "00000001"}, {"91", "42O111", "00000001"}, {"91", "420111", "0000000I"}, {"91", "420111", "组织机构"}, {"91", "420111", "1"}} {
		if made, err := MakeCreditCode(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v: %s", bad, made)
		}
	}
}

// Every single wrong digit and every two neighbours swapped must be found: what the check character is there for.
func TestCheckCharactersFindMistakes(t *testing.T) {
	const id, uscc = "420111198506152036", "91350100M000100Y43"
	for i := range 18 {
		for _, c := range "0123456789" {
			if wrong := id[:i] + string(c) + id[i+1:]; wrong != id && Check(KindID, wrong, today) == nil {
				t.Errorf("%s passes", wrong)
			}
		}
		for _, c := range creditSymbols {
			if wrong := uscc[:i] + string(c) + uscc[i+1:]; wrong != uscc && Check(KindUSCC, wrong, today) == nil {
				t.Errorf("%s passes", wrong)
			}
		}
		if i < 17 {
			if wrong := id[:i] + id[i+1:i+2] + id[i:i+1] + id[i+2:]; wrong != id && Check(KindID, wrong, today) == nil {
				t.Errorf("%s passes", wrong)
			}
		}
	}
}

func TestUpgrade(t *testing.T) {
	for old, want := range map[string]string{"420111850615203": "420111198506152036", "110105491231002": "11010519491231002X"} {
		if got, err := Upgrade(old); err != nil || got != want {
			t.Errorf("%s: %s, %v", old, got, err)
		}
	}
	for _, bad := range []string{"", "42011185061520", "420111850230203", "42011185061520X", "020111850615203", "420111198506152036"} {
		if got, err := Upgrade(bad); errs.KeyOf(err) != "codes.id_old_bad" {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
}

func TestResidentID(t *testing.T) {
	birth := time.Date(1985, 6, 15, 0, 0, 0, 0, when.Zone)
	if got, err := ResidentID("420111", birth, 203); err != nil || got != "420111198506152036" {
		t.Error(got, err)
	}
	if got, err := ResidentID("420111", birth.UTC(), 203); err != nil || got != "420111198506152036" {
		t.Error("the birth date is the civil one:", got, err)
	}
	for _, x := range []struct {
		area     string
		birth    time.Time
		sequence int
	}{{"42011", birth, 1}, {"42011a", birth, 1}, {"420111", birth, 1000}, {"420111", birth, -1}, {"420111", time.Time{}, 1}} {
		if got, err := ResidentID(x.area, x.birth, x.sequence); err == nil {
			t.Errorf("%v: %s", x, got)
		}
	}
}

func TestFictional(t *testing.T) {
	seen := map[string]bool{}
	men := 0
	for n := range 100_000 {
		id := Fictional(n)
		h, err := ParseResidentID(id, today)
		if err != nil || !IsFictional(id) || h.Area != FictionalArea || seen[id] {
			t.Fatalf("%d: %s, %v, seen %v", n, id, err, seen[id])
		}
		seen[id] = true
		if h.Sex == Male {
			men++
		}
	}
	if men < 48_000 || men > 52_000 {
		t.Errorf("%d men in 100 000", men)
	}
	if Fictional(0) != Fictional(fictionalCount) || Fictional(-1) != Fictional(fictionalCount-1) || Fictional(fictionalCount-1) == Fictional(0) {
		t.Error("starts again at the end")
	}
	for _, n := range []int{29_969_999, 15_000_001, 29_940_000} {
		if _, err := ParseResidentID(Fictional(n), today); err != nil || seen[Fictional(n)] {
			t.Error(n, err)
		}
	}
	if IsFictional("420111198506152036") {
		t.Error("a real area")
	}
}

func TestNormalise(t *testing.T) {
	for _, x := range []struct {
		kind     Kind
		in, want string
	}{
		{KindID, " ４２０１１１１９８５０６１５２０３６\t", "420111198506152036"},
		{KindID, "'11010519491231002x", "11010519491231002X"},
		{KindID, "420111 19850615 2036", "420111198506152036"},
		{KindID, "\ufeff420111\u200b198506152036", "420111198506152036"},
		{KindUSCC, "91350100 m000100y4-3", "91350100M000100Y43"},
		{KindMobile, "+86 138-1234-5678", "13812345678"},
		{KindMobile, "008613812345678", "13812345678"},
		{KindMobile, "86１３８１２３４５６７８", "13812345678"},
		{KindPhone, "（027）8765 4321", "027-87654321"},
		{KindPhone, "027－87654321", "027-87654321"},
		{KindPhone, "138 1234 5678", "13812345678"},
		{KindBank, "6222 0212 3456 7890 128", "6222021234567890128"},
		{KindEmail, " Zhang.San@HS.Gov.CN ", "Zhang.San@hs.gov.cn"},
		{KindPlate, "鄂a·12345", "鄂A12345"},
		{KindName, "张　三", "张三"},
		{KindName, " John   Smith ", "John Smith"},
		{KindName, "买买提•艾力", "买买提·艾力"},
		{KindName, "བསྟན་འཛིན", "བསྟན་འཛིན"},
		{KindBirth, "1985年6月5日", "1985-06-05"},
		{KindBirth, "１９８５０６１５", "1985-06-15"},
		{KindBirth, "不详", "不详"},
		{KindAddress, "　武汉市 洪山区 ", "武汉市 洪山区"},
		{KindOther, "", ""},
	} {
		if got := Normalise(x.kind, x.in); got != x.want {
			t.Errorf("%s %q: %q, want %q", x.kind, x.in, got, x.want)
		}
	}
}

func TestTexts(t *testing.T) {
	c, err := errs.NewCatalog(Text)
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"codes.scientific", "codes.id_old", "codes.id_old_bad", "codes.id_length", "codes.id_chars", "codes.id_birth",
		"codes.id_future", "codes.id_check", "codes.uscc_old", "codes.uscc_length", "codes.uscc_chars", "codes.uscc_check", "codes.uscc_org",
		"codes.mobile_length", "codes.mobile", "codes.phone", "codes.plate", "codes.email", "codes.bank_length", "codes.bank_check",
		"codes.birth", "codes.birth_future", "codes.division"}
	for _, k := range Kinds() {
		keys = append(keys, k.Key())
	}
	for l := Province; l <= Community; l++ {
		keys = append(keys, l.Key())
	}
	for _, form := range []string{"street", "town", "township", "committee", "village", "special"} {
		keys = append(keys, "codes.form_"+form)
	}
	for _, k := range keys {
		if !c.Has(k) {
			t.Error("no text for", k)
		}
	}
	if len(c.Keys()) != len(keys) {
		t.Errorf("%d texts, %d keys", len(c.Keys()), len(keys))
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"420111198506152036", "91350100M000100Y43", "4.20111E+17", "13812345678", "027-87654321-1", "鄂A12345",
		"6222 0212 3456 7890 128", "a@b.cn", "1985年6月15日", "(027)8765", "'-'", "\xff", "（（1）2）3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range Kinds() {
			once := Normalise(k, s)
			if twice := Normalise(k, once); twice != once {
				t.Fatalf("%s: %q, then %q, then %q", k, s, once, twice)
			}
			if err := Check(k, once, today); err != nil && errs.KindOf(err) != errs.Invalid {
				t.Fatal(k, err)
			}
		}
		if h, err := ParseResidentID(s, today); err == nil {
			if again, err := ResidentID(h.Area, h.Birth, int(s[14]-'0')*100+int(s[15]-'0')*10+int(s[16]-'0')); err != nil || again != h.Number {
				t.Fatalf("%s made again is %s, %v", s, again, err)
			}
		}
		if code, _, err := ParseDivision(s); err == nil {
			if again, _, err := ParseDivision(code); err != nil || again != code || !Within(s, code) || !Within(code, Parent(code)) && Parent(code) != "" {
				t.Fatalf("%s: %s, %s, %v", s, code, again, err)
			}
		}
		FormOf(s)
	})
}

func ExampleMask() {
	fmt.Println(Mask(KindID, "420111198506152036"), Mask(KindName, "欧阳小三"))
	// Output: 420111********2036 欧**三
}

func BenchmarkParseResidentID(b *testing.B) {
	for b.Loop() {
		if _, err := ParseResidentID("420111198506152036", today); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	for _, x := range []struct {
		kind Kind
		in   string
	}{{KindID, "420111198506152036"}, {KindName, "张小三"}, {KindMobile, "13812345678"}, {KindAddress, "武汉市洪山区狮子山街南湖大道1号"}} {
		b.Run(string(x.kind), func(b *testing.B) {
			for b.Loop() {
				Mask(x.kind, x.in)
			}
		})
	}
}
