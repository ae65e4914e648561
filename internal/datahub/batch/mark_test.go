package batch

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// A copy keeps its mark when a spreadsheet saves it again: in UTF-8, in the code page of a Chinese office, with columns moved or
// with the first line cut off; and no mark is found where none is.
func TestMarkStays(t *testing.T) {
	const code = "ABCD-EFGH-2345"
	header := []string{"行号", "证件号码", "核验结果", "原因", "手机号"}
	markHeader(header, code)
	line := strings.Join(header, ",")
	gbk, err := encoding.ReplaceUnsupported(simplifiedchinese.GBK.NewEncoder()).String(line)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := simplifiedchinese.GBK.NewDecoder().String(gbk)
	if err != nil {
		t.Fatal(err)
	}
	moved := slices.Clone(header)
	slices.Reverse(moved)
	for name, text := range map[string]string{"as it is": line, "through GBK": saved, "columns moved": strings.Join(moved, "\t"), "quoted": `"` + strings.Join(header, `","`) + `"`, "one column alone": header[3] + "\r\n命中", "with blanks before": "原因  　" + mark("", code, ' ', '\u3000')} {
		if !slices.Contains(unmark(text), code) {
			t.Errorf("%s: %q", name, unmark(text))
		}
	}
	for name, text := range map[string]string{"none": "行号,证件号码,核验结果", "blanks": strings.Repeat(" ", 300), "empty": ""} {
		for _, c := range unmark(text) {
			if strings.Contains(c, "-") {
				t.Errorf("%s: %q", name, c)
			}
		}
	}
	short := []string{"行号", "结果"}
	if markHeader(short, code); short[1] != "结果" {
		t.Error("a header that has not so many columns is left alone")
	}
}
