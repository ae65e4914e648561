// Package themes says which theme and topic libraries the demonstration district makes of its tables.
package themes

// Library is a theme library (主题库) or topic library (专题库) as its builder writes it.
type Library struct {
	Name, Title, Kind, Summary string
	Every                      string // when it runs by itself: "" by hand, input
	Steps                      []Step
}

// Step is one step, in the shape of the room's API.
type Step struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Summary string   `json:"summary"`
	SQL     string   `json:"sql"`
	Columns []Column `json:"columns"`
	Tests   []Test   `json:"tests"`
}

// Column is what is said of a column besides what follows from the SQL.
type Column struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Type  string `json:"type"`
	Kind  string `json:"kind"`
	Level string `json:"level"`
	Mask  bool   `json:"masked"`
	Key   bool   `json:"key"`
}

// Test is a test of a step.
type Test struct {
	Kind       string   `json:"kind"`
	Columns    []string `json:"columns"`
	Dictionary string   `json:"dictionary,omitempty"`
	Low        string   `json:"low,omitempty"`
	High       string   `json:"high,omitempty"`
	Rows       int64    `json:"rows,omitempty"`
	Percent    int64    `json:"percent,omitempty"`
	SQL        string   `json:"sql,omitempty"`
	Title      string   `json:"title,omitempty"`
	Blocking   bool     `json:"blocking"`
}

func key(name, kind, level string) []Column {
	return []Column{{Name: name, Title: name, Type: "text", Kind: kind, Level: level, Mask: level >= "L3", Key: true}}
}

// Libraries lists them: people, cleaned, joined and counted; and the running of the city, counted by street.
func Libraries() []Library {
	return []Library{
		{Name: "renkou", Title: "人口主题库", Kind: "theme", Every: "input", Summary: "以常住人口信息为基础，清洗、关联扩展信息，并按街道汇总人口结构（演示数据）。", Steps: []Step{
			{Name: "zt_renkou", Title: "人口基础信息", Summary: "一人一条，去掉没有姓名的记录。",
				SQL:     "SELECT 公民身份号码, 姓名, 性别, 出生日期, 民族, 文化程度, 街道代码, 社区代码, 人口类别, 更新日期\nFROM population\nWHERE 姓名 IS NOT NULL",
				Columns: key("公民身份号码", "id", "L3"),
				Tests: []Test{{Kind: "unique", Columns: []string{"公民身份号码"}, Blocking: true}, {Kind: "dictionary", Columns: []string{"性别"}, Dictionary: "sex", Blocking: true},
					{Kind: "rows_change", Columns: []string{}, Percent: 20, Blocking: true}}},
			{Name: "zt_renkou_kuozhan", Title: "人口扩展信息", Summary: "基础信息与公安登记的扩展信息关联。",
				SQL:     "SELECT p.公民身份号码, p.姓名, p.性别, p.出生日期, p.街道代码, e.所属社区, e.登记机关\nFROM zt_renkou p\nLEFT JOIN (\n  SELECT 公民身份号码, max(所属社区) AS 所属社区, max(登记机关) AS 登记机关\n  FROM rk_czrk\n  GROUP BY 公民身份号码\n) e ON e.公民身份号码 = p.公民身份号码",
				Columns: key("公民身份号码", "id", "L3"),
				Tests:   []Test{{Kind: "unique", Columns: []string{"公民身份号码"}, Blocking: true}, {Kind: "not_null", Columns: []string{"登记机关"}}}},
			{Name: "zt_renkou_jiegou", Title: "分街道人口结构", Summary: "各街道的人口数、六十岁以上和十六岁以下人数。",
				SQL:     "SELECT 街道代码,\n  count(*) AS 人口数,\n  count(*) FILTER (WHERE date_diff('year', 出生日期, current_date) >= 60) AS 六十岁以上,\n  count(*) FILTER (WHERE date_diff('year', 出生日期, current_date) < 16) AS 十六岁以下,\n  max(更新日期) AS 最近更新\nFROM zt_renkou\nGROUP BY 街道代码",
				Columns: []Column{},
				Tests:   []Test{{Kind: "unique", Columns: []string{"街道代码"}, Blocking: true}, {Kind: "rows_min", Columns: []string{}, Rows: 1, Blocking: true}}},
		}},
		{Name: "chengyun", Title: "城市运行专题库", Kind: "topic", Every: "input", Summary: "把上报的事件按街道和类别汇总，用于城市运行一张图（演示数据）。", Steps: []Step{
			{Name: "zt_shijian", Title: "事件分类汇总", Summary: "各街道各类事件的数量。",
				SQL:     "SELECT 所属街道, 事件类别, count(*) AS 事件数, min(上报时间) AS 最早上报, max(上报时间) AS 最近上报\nFROM zt_001\nWHERE 所属街道 IS NOT NULL AND 事件类别 IS NOT NULL\nGROUP BY 所属街道, 事件类别",
				Columns: []Column{},
				Tests:   []Test{{Kind: "unique", Columns: []string{"所属街道", "事件类别"}, Blocking: true}, {Kind: "not_null", Columns: []string{"最近上报"}}}},
			{Name: "zt_shijian_jiedao", Title: "街道事件排名", Summary: "各街道的事件总数和名次。",
				SQL:     "SELECT 所属街道, sum(事件数) AS 事件总数, rank() OVER (ORDER BY sum(事件数) DESC) AS 名次\nFROM zt_shijian\nGROUP BY 所属街道",
				Columns: []Column{},
				Tests:   []Test{{Kind: "unique", Columns: []string{"所属街道"}, Blocking: true}}},
		}},
	}
}
