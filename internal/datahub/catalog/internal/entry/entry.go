// Package entry is what an entry of the catalogue says (目录条目): the core metadata of a government information
// resource, its items, and the rules both keep. It is pure: no database, no clock, no words.
//
// The elements are those of 政务信息资源目录编制指南(试行) 发改高技〔2017〕1272号; levels follow the four-level practice for
// public data under GB/T 43697-2024.
package entry

import (
	"slices"

	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// The classes of the guide (类), the first digit of every code.
const (
	Base       = "1" // 基础信息资源
	Theme      = "2" // 主题信息资源
	Department = "3" // 部门信息资源
)

// Share types (共享类型).
const (
	Unconditional = "unconditional" // 无条件共享
	Conditional   = "conditional"   // 有条件共享
	Refused       = "refused"       // 不予共享
)

// The values of the enumerated elements, in the order they are offered.
var (
	Classes = []string{Base, Theme, Department}
	Shares  = []string{Unconditional, Conditional, Refused}
	Cycles  = []string{"realtime", "daily", "weekly", "monthly", "quarterly", "halfyear", "yearly", "irregular", "once"}
	// Formats are the classes of 信息资源格式; service is what later platforms added.
	Formats = []string{"database", "sheet", "file", "image", "media", "self", "service"}
	// Subs are the kinds the guide names under each class; self is free text, service by practice.
	Subs = map[string][]string{
		"file":     {"OFD", "wps", "xml", "txt", "doc", "docx", "html", "pdf", "ppt", "pptx"},
		"sheet":    {"et", "xls", "xlsx", "csv"},
		"database": {"Dm", "KingbaseES", "access", "dbf", "dbase", "sysbase", "oracle", "sql server", "db2", "mysql", "postgresql", "warehouse"},
		"image":    {"jpg", "gif", "bmp"},
		"media":    {"swf", "rm", "mpg"},
		"service":  {"REST", "SOAP", "OGC"},
	}
	// Types are the data types of an item (数据类型): 字符 C, 数值 N, 货币 Y, 日期 D, 日期时间 T, 逻辑 L, 备注 M, 通用 G, 双精度 B, 整 I, 浮点 F.
	Types = []string{"C", "N", "Y", "D", "T", "L", "M", "G", "B", "I", "F"}
	// Modes are how what is shared is handed over (共享方式).
	Modes = []string{"table", "api", "file", "push", "mail", "medium"}
)

// Item is one item of a resource (信息项).
type Item struct {
	Name   string        `json:"name" maxLength:"128" doc:"信息项名称"`
	Field  string        `json:"field" required:"false" maxLength:"64" doc:"name of the column in the source"`
	Type   string        `json:"type" maxLength:"1" doc:"C N Y D T L M G B I F"`
	Length int           `json:"length" required:"false" minimum:"0" maximum:"1000000" doc:"0 where the type has none"`
	Key    bool          `json:"key" required:"false"`
	Empty  bool          `json:"empty" required:"false" doc:"may be empty"`
	Dict   string        `json:"dict" required:"false" maxLength:"64" doc:"code table its values come from"`
	Share  string        `json:"share" required:"false" maxLength:"16" doc:"empty: as the resource"`
	Closed bool          `json:"closed" required:"false" doc:"kept back where the resource is open"`
	Level  dataset.Level `json:"level" maxLength:"2" doc:"L1 to L4"`
	Kind   codes.Kind    `json:"kind" required:"false" maxLength:"16" doc:"sort of personal data, empty for none"`
	Note   string        `json:"note" required:"false" maxLength:"200"`
}

// ShareIn is the share type that holds for the item in a resource of b.
func (i Item) ShareIn(b *Body) string {
	if i.Share == "" {
		return b.Share
	}
	return i.Share
}

// Body is what an entry says: the core metadata, and the items.
type Body struct {
	Class   string `json:"class" maxLength:"1" doc:"类: 1 base, 2 theme, 3 department"`
	Item    string `json:"item" maxLength:"8" doc:"项, digits"`
	Subject string `json:"subject" required:"false" maxLength:"8" doc:"目, digits"`
	Detail  string `json:"detail" required:"false" maxLength:"24" doc:"细目, digits of any number"`

	Name     string   `json:"name" maxLength:"200"`
	Unit     string   `json:"unit" maxLength:"40" doc:"id of the providing unit"`
	UnitCode string   `json:"unitCode" required:"false" maxLength:"18" doc:"its unified social credit code"`
	Summary  string   `json:"summary" required:"false" maxLength:"1000"`
	Keywords []string `json:"keywords" required:"false" nullable:"false" maxItems:"20"`
	Format   string   `json:"format" maxLength:"16"`
	Sub      string   `json:"sub" required:"false" maxLength:"40" doc:"kind within the format"`
	Items    []Item   `json:"items" required:"false" nullable:"false" maxItems:"1000"`

	Share     string `json:"share" maxLength:"16"`
	Condition string `json:"condition" required:"false" maxLength:"500" doc:"of conditional sharing"`
	Basis     string `json:"basis" required:"false" maxLength:"500" doc:"law that forbids sharing"`
	Mode      string `json:"mode" required:"false" maxLength:"16"`

	Open          bool   `json:"open" required:"false" doc:"to the public"`
	OpenCondition string `json:"openCondition" required:"false" maxLength:"500"`

	Cycle   string        `json:"cycle" maxLength:"16"`
	Related []string      `json:"related" required:"false" nullable:"false" maxItems:"50" doc:"codes of linked resources"`
	Level   dataset.Level `json:"level" required:"false" maxLength:"2" doc:"of a resource without items; else the highest of its items'"`

	System  string `json:"system" required:"false" maxLength:"100" doc:"system the data comes from"`
	Duty    string `json:"duty" required:"false" maxLength:"200" doc:"duty or item of the list of powers it arises from"`
	Space   string `json:"space" required:"false" maxLength:"100" doc:"area it covers"`
	Since   string `json:"since" required:"false" maxLength:"10" doc:"first day it covers, YYYY-MM-DD"`
	Until   string `json:"until" required:"false" maxLength:"10" doc:"last day it covers"`
	Contact string `json:"contact" required:"false" maxLength:"60" doc:"office in charge"`
	Phone   string `json:"phone" required:"false" maxLength:"30" doc:"of that office"`
}

// Structured reports whether a resource of the format has items: the guide asks for them where data has columns.
func (b *Body) Structured() bool {
	return b.Format == "database" || b.Format == "sheet" || b.Format == "service"
}

// Highest is the level of the resource: the highest of its items', its own where it has none.
func (b *Body) Highest() dataset.Level {
	if len(b.Items) == 0 {
		if b.Level == "" {
			return dataset.L2
		}
		return b.Level
	}
	out := dataset.L1
	for _, i := range b.Items {
		out = max(out, i.Level)
	}
	return out
}

// OpenItems are the items the public may see, none of a resource that is not open.
func (b *Body) OpenItems() []Item {
	if !b.Open {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(b.Items), func(i Item) bool { return i.Closed || i.Level != dataset.L1 })
}

// Tidy makes absent lists empty, so that JSON shows lists.
func (b *Body) Tidy() {
	if b.Items == nil {
		b.Items = []Item{}
	}
	if b.Keywords == nil {
		b.Keywords = []string{}
	}
	if b.Related == nil {
		b.Related = []string{}
	}
	if len(b.Items) > 0 {
		b.Level = b.Highest()
	}
}
