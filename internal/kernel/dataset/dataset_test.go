package dataset

import (
	"strings"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
)

var text = warehouse.Type{Kind: warehouse.KindText}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		name string
		col  Column
		in   string
		want string // as kept, or the key of why not
		bad  bool
	}{
		{"an identity number is evened out", Column{Type: text, Kind: codes.KindID}, " ４２０１１１ 19850615 203x", "42011119850615203X", false},
		{"a key without kind too", Column{Type: text, Key: true}, " Ａ-１ ", "A-1", false},
		{"other text stays as it is", Column{Type: text}, " Ａ-１ ", " Ａ-１ ", false},
		{"blank is nothing", Column{Type: text}, "  ", "", false},
		{"full-width blank too", Column{Type: text, Key: true}, "　", "", false},
		{"integer", Column{Type: warehouse.Type{Kind: warehouse.KindInteger}}, "1,200", "1200", false},
		{"no integer", Column{Type: warehouse.Type{Kind: warehouse.KindInteger}}, "12a", "table.not_integer", true},
		{"decimal", Column{Type: warehouse.DecimalType(18, 2)}, "1,200.5", "1200.50", false},
		{"decimal too exact", Column{Type: warehouse.DecimalType(18, 2)}, "0.125", "warehouse.does_not_fit", true},
		{"date", Column{Type: warehouse.Type{Kind: warehouse.KindDate}}, "1985年6月5日", "1985-06-05", false},
		{"no date", Column{Type: warehouse.Type{Kind: warehouse.KindDate}}, "1985-02-30", "table.not_date", true},
		{"datetime", Column{Type: warehouse.Type{Kind: warehouse.KindDatetime}}, "2023/5/1 8:30", "2023-05-01 08:30:00", false},
		{"boolean", Column{Type: warehouse.Type{Kind: warehouse.KindBoolean}}, "是", "true", false},
	} {
		v, err := c.col.Value(c.in)
		if c.bad {
			if errs.KeyOf(err) != c.want {
				t.Errorf("%s: %v, %v", c.name, v, err)
			}
			continue
		}
		if v, e := c.col.Type.Coerce(v); err != nil || e != nil || warehouse.Format(v) != c.want {
			t.Errorf("%s: %q, %v, %v", c.name, warehouse.Format(v), err, e)
		}
	}
}

func TestShow(t *testing.T) {
	id := Column{Type: text, Kind: codes.KindID, Masked: true}
	money := Column{Type: warehouse.DecimalType(18, 2), Masked: true}
	for _, c := range []struct {
		col   Column
		v     any
		clear bool
		want  string
	}{
		{id, "420111198506152036", false, "420111********2036"},
		{id, "420111198506152036", true, "420111198506152036"},
		{id, nil, false, ""},
		{Column{Kind: codes.KindBirth, Masked: true}, warehouse.Date("1985-06-15"), false, "1985-**-**"},
		{Column{Kind: codes.KindName}, "张三", false, "张三"},
	} {
		if got := c.col.Show(c.v, c.clear); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
	if got := money.Show(warehouse.Decimal("123456.78"), false); strings.Contains(got, "3456") {
		t.Error("a masked number shows", got)
	}
}

func TestCheckColumns(t *testing.T) {
	ok := Column{Name: "a", Title: "甲", Type: text, Level: L2}
	with := func(change func(c *Column)) []Column { c := ok; c.Name = "b"; change(&c); return []Column{ok, c} }
	for _, c := range []struct {
		name string
		cols []Column
		want string // key of the error or of its first field, "" for none
	}{
		{"well", with(func(c *Column) { c.Kind, c.Level, c.Masked = codes.KindID, L3, true }), ""},
		{"public credit code", with(func(c *Column) { c.Kind, c.Level = codes.KindUSCC, L1 }), ""},
		{"open name at L2", with(func(c *Column) { c.Kind = codes.KindName }), ""},
		{"none", nil, "warehouse.no_columns"},
		{"twice", with(func(c *Column) { c.Name = "A" }), "warehouse.column_twice"},
		{"bad name", with(func(c *Column) { c.Name = "x y" }), "warehouse.bad_column"},
		{"kind", with(func(c *Column) { c.Kind = "soul" }), "dataset.bad_kind"},
		{"level", with(func(c *Column) { c.Level = "L9" }), "dataset.bad_level"},
		{"mobile laid open", with(func(c *Column) { c.Kind, c.Level = codes.KindMobile, L3 }), "dataset.too_open"},
		{"bank card at L2", with(func(c *Column) { c.Kind, c.Level, c.Masked = codes.KindBank, L2, true }), "dataset.too_open"},
		{"L3 unmasked", with(func(c *Column) { c.Level = L3 }), "dataset.unmasked"},
	} {
		err := CheckColumns(c.cols)
		got := errs.KeyOf(err)
		if e, is := err.(*errs.Error); is && len(e.Fields) > 0 {
			got = e.Fields[0].Key
		}
		if got != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, k := range codes.Kinds() {
		level, masked := Classify(k)
		if err := CheckColumns([]Column{{Name: "a", Title: "甲", Type: text, Kind: k, Level: level, Masked: masked}}); err != nil {
			t.Errorf("what is proposed for %s is refused: %v", k, err)
		}
	}
}

func TestCompare(t *testing.T) {
	old := []Column{{Name: "a", Type: text, Level: L3, Masked: true}, {Name: "b", Type: text, Level: L2}, {Name: "c", Type: text, Level: L2}}
	if d := Compare(old, []Column{{Name: "c", Type: text, Level: L4, Masked: true, Title: "丙"}, {Name: "a", Type: text, Level: L3, Masked: true}, {Name: "b", Type: text, Level: L2}}); !d.None() {
		t.Error("order, titles and stricter levels are no drift:", d)
	}
	d := Compare(old, []Column{{Name: "a", Type: text, Level: L2}, {Name: "b", Type: warehouse.Type{Kind: warehouse.KindDate}, Level: L2, Key: true}, {Name: "d", Type: text, Level: L2}})
	if strings.Join(d.Added, "") != "d" || strings.Join(d.Removed, "") != "c" || strings.Join(d.Retyped, "") != "b" || strings.Join(d.Rekeyed, "") != "b" || strings.Join(d.Opened, "") != "a" {
		t.Errorf("%+v", d)
	}
}
