package district

import (
	"io"
	"iter"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"qushu/internal/base/table"
)

// Encoding is how a CSV is written.
type Encoding string

// The encodings: UTF8 with the mark Excel asks for, GB18030 as Excel on a Chinese Windows writes it.
const (
	UTF8    Encoding = "UTF-8"
	GB18030 Encoding = "GB18030"
)

// WriteCSV writes residents with a header to w.
func WriteCSV(w io.Writer, residents iter.Seq[Resident], as Encoding) error {
	o := table.CSVOptions{Verbatim: true}
	var gb *transform.Writer
	if as == GB18030 {
		gb = transform.NewWriter(w, simplifiedchinese.GB18030.NewEncoder())
		w, o.NoBOM = gb, true
	}
	if err := write(table.NewCSV(w, o), residents); err != nil {
		return err
	}
	if gb != nil {
		return gb.Close()
	}
	return nil
}

// WriteXLSX writes residents with a header as a workbook to w.
func WriteXLSX(w io.Writer, residents iter.Seq[Resident]) error {
	out, err := table.NewXLSX(w, "人口信息")
	if err != nil {
		return err
	}
	return write(out, residents)
}

func write(out table.Writer, residents iter.Seq[Resident]) error {
	cells := make([]any, 0, 14)
	for _, c := range Columns() {
		cells = append(cells, c)
	}
	err := out.Write(cells...)
	for r := range residents {
		if err != nil {
			break
		}
		cells = cells[:0]
		for _, c := range r.Row() {
			cells = append(cells, c)
		}
		err = out.Write(cells...)
	}
	return closed(out, err)
}

// WriteUnits writes the units as the workbook from which units are imported.
func (d *District) WriteUnits(w io.Writer) error {
	out, err := table.NewXLSX(w, "单位")
	if err != nil {
		return err
	}
	err = out.Write("单位名称", "上级单位", "类型", "简称", "别名", "代码", "排序", "辖区代码", "成立日期")
	for _, u := range d.Units {
		if err == nil {
			err = out.Write(u.Name, strings.Join(d.Path(u.Parent), "/"), kindName(u.Kind), u.Short, strings.Join(u.Aliases, "、"), u.Code, u.Rank, u.Street, date(u.Since))
		}
	}
	return closed(out, err)
}

// WritePeople writes the people as the workbook from which people are imported, a row for each post.
func (d *District) WritePeople(w io.Writer) error {
	out, err := table.NewXLSX(w, "人员")
	if err != nil {
		return err
	}
	err = out.Write("姓名", "工号", "单位", "职务", "任职类型", "排序", "领导", "性别", "手机号", "任职日期")
	for _, p := range d.People {
		for _, post := range p.Posts {
			main, sex := "主职", "男"
			if !post.Main {
				main = "兼职"
			}
			if p.Sex == Female {
				sex = "女"
			}
			if err == nil {
				err = out.Write(p.Name, p.StaffNo, strings.Join(d.Path(post.Unit), "/"), post.Title, main, post.Rank, post.Leader, sex, p.Mobile, date(post.Since))
			}
		}
	}
	return closed(out, err)
}

// kindName is a kind as people write it.
func kindName(kind string) string {
	return map[string]string{KindDistrict: "区", KindDepartment: "部门", KindStreet: "街道", KindCommunity: "社区", KindInstitution: "事业单位", KindSection: "内设机构"}[kind]
}

// date is a civil day as table writes dates.
func date(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// closed closes out, which frees temporary files, and returns the first error.
func closed(out table.Writer, err error) error {
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}
