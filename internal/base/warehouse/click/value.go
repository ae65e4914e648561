package click

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// small reports whether numbers of the decimal type t without their point are 64-bit integers.
func small(t warehouse.Type) bool { return t.Precision <= 18 }

// physical returns the engine's type. Decimals stand there without their point, dates as days since 1970 and datetimes
// as microseconds since 1970: the engine's own days end in 2105 or 2299 and begin in 1900 at best, and the last is as
// good as any for comparing, sorting and counting.
func physical(t warehouse.Type) string {
	switch t.Kind {
	case warehouse.KindInteger, warehouse.KindDatetime:
		return "Int64"
	case warehouse.KindDecimal:
		if small(t) {
			return "Int64"
		}
		return "Decimal(38, 0)"
	case warehouse.KindDate:
		return "Int32"
	case warehouse.KindBoolean:
		return "UInt8"
	default:
		return "String"
	}
}

// given returns v, of type t, as the driver takes it.
func given(t warehouse.Type, v any) any {
	switch v := v.(type) {
	case warehouse.Decimal:
		n, _ := v.Unscaled()
		if small(t) {
			return n.Int64()
		}
		return decimal.NewFromBigInt(n, 0)
	case warehouse.Date:
		return days(v)
	case time.Time:
		return v.UnixMicro()
	case bool:
		if v {
			return uint8(1)
		}
		return uint8(0)
	}
	return v
}

// literal returns v, of type t, as SQL. It holds digits and nothing else a caller wrote.
func literal(t warehouse.Type, v any) string {
	switch g := given(t, v).(type) {
	case string:
		return "unhex('" + hex.EncodeToString([]byte(g)) + "')"
	case decimal.Decimal:
		return "toDecimal128('" + g.String() + "', 0)"
	default:
		return fmt.Sprint(g)
	}
}

func days(d warehouse.Date) int32 { return int32(d.Time().Unix() / 86400) }

// cell takes one value of an answer from the driver.
type cell struct {
	out     warehouse.Out
	text    *string
	long    *int64
	short   *int32
	flag    *uint8
	double  *float64
	decimal *decimal.Decimal
}

// shape is what an output is in the engine's answer.
func shape(o warehouse.Out) string {
	switch o.Agg {
	case warehouse.Count, warehouse.CountDistinct:
		return "Int64"
	case warehouse.Sum:
		return "Decimal(38, 0)"
	case warehouse.Avg:
		return "Float64"
	}
	return physical(o.Type)
}

// into is where the driver is to put the value.
func (c *cell) into() any {
	switch shape(c.out) {
	case "Int64":
		return &c.long
	case "Int32":
		return &c.short
	case "UInt8":
		return &c.flag
	case "Float64":
		return &c.double
	case "Decimal(38, 0)":
		return &c.decimal
	default:
		return &c.text
	}
}

// value returns what the driver gave as the warehouse keeps it. A number its type cannot hold is Invalid.
func (c *cell) value() (any, error) {
	t := c.out.Type
	switch {
	case c.text != nil:
		return *c.text, nil
	case c.flag != nil:
		return *c.flag != 0, nil
	case c.short != nil:
		return warehouse.Date(time.Unix(int64(*c.short)*86400, 0).UTC().Format(time.DateOnly)), nil
	case c.double != nil:
		return average(*c.double, c.out.Field.Type)
	case c.decimal != nil:
		return number(c.decimal.BigInt(), t)
	case c.long == nil && (c.out.Agg == warehouse.Count || c.out.Agg == warehouse.CountDistinct):
		return int64(0), nil // older releases count nothing as NULL
	case c.long == nil:
		return nil, nil
	case t.Kind == warehouse.KindDecimal:
		return warehouse.FromUnscaled(big.NewInt(*c.long), t.Scale), nil
	case t.Kind == warehouse.KindDatetime:
		return time.UnixMicro(*c.long).In(warehouse.Zone()), nil
	}
	return *c.long, nil
}

// number brings a sum or a wide decimal to its type.
func number(n *big.Int, t warehouse.Type) (any, error) {
	switch {
	case t.Kind == warehouse.KindInteger && n.IsInt64():
		return n.Int64(), nil
	case t.Kind == warehouse.KindInteger || len(new(big.Int).Abs(n).String()) > t.Precision:
		return nil, errs.New(errs.Invalid, "warehouse.overflow")
	}
	return warehouse.FromUnscaled(n, t.Scale), nil
}

// average brings an average of values without their point to decimal(38,6).
func average(f float64, of warehouse.Type) (any, error) {
	f /= math.Pow10(of.Scale)
	if math.IsNaN(f) {
		return nil, nil
	}
	if math.Abs(f) >= 1e32 {
		return nil, errs.New(errs.Invalid, "warehouse.overflow")
	}
	s := strconv.FormatFloat(f, 'f', 6, 64)
	if s == "-0.000000" {
		s = s[1:]
	}
	return warehouse.Decimal(s), nil
}
