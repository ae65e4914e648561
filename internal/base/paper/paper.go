// Package paper sets A4 pages of Chinese text as PDF: headings, tables of names and values, page numbers. The text is
// text: it can be selected and searched.
package paper

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	picture "image"
	"image/draw"
	"image/jpeg"
	_ "image/png" // what a picture may be, beside JPEG
	"io"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
)

// The font stands in the program, so that a paper looks the same on every machine: font/SOURCE.md.
//
//go:embed font/NotoSansSC.ttf.gz
var packed []byte

var typeface = sync.OnceValues(func() ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("paper: the font inside the program is damaged: %w", err)
	}
	return io.ReadAll(z)
})

const (
	left, top, wide, bottom = 18.0, 16.0, 174.0, 277.0 // millimetres of an A4 page
	pad                     = 1.6
	size                    = 9.5 // points of what is read
	line                    = 4.9 // millimetres from line to line
	shade                   = 243 // grey of a cell that names another
)

// Doc is a paper being set.
type Doc struct {
	pdf  *fpdf.Fpdf
	font *sfnt.Font
	buf  sfnt.Buffer
	wide map[rune]float64 // of a character, by points 1

	pictures int // that were set
}

// New begins a paper. Foot stands on the left of the foot of each page; page gives its right from the number of the page
// and {n}, which becomes the count.
func New(title, lang, foot string, page func(n int, of string) string, at time.Time) (*Doc, error) {
	b, err := typeface()
	if err != nil {
		return nil, err
	}
	d := &Doc{pdf: fpdf.New("P", "mm", "A4", ""), wide: map[rune]float64{}}
	if d.font, err = sfnt.Parse(b); err != nil {
		return nil, fmt.Errorf("paper: the font inside the program is damaged: %w", err)
	}
	p := d.pdf
	p.AddUTF8FontFromBytes("sc", "", b)
	p.SetTitle(title, true)
	p.SetLang(lang)
	p.SetProducer("Qushu", true)
	p.SetCreationDate(at)
	p.SetModificationDate(at)
	p.SetCatalogSort(true)
	p.SetMargins(left, top, 210-left-wide)
	p.SetCellMargin(0)
	p.SetAutoPageBreak(false, 0)
	p.AliasNbPages("{n}")
	p.SetLineWidth(0.15)
	p.SetDrawColor(0, 0, 0)
	p.SetFillColor(shade, shade, shade)
	p.SetFooterFunc(func() {
		d.style(8, false)
		p.Text(left, bottom+9, d.clean(foot))
		no := d.clean(page(p.PageNo(), "{n}"))
		p.Text(left+wide-d.width(no, 8), bottom+9, no)
	})
	p.AddPage()
	d.style(size, false)
	return d, p.Error()
}

// Heading sets the name of the paper, and above it whose it is.
func (d *Doc) Heading(over, title string) {
	for _, h := range []struct {
		text string
		pt   float64
	}{{over, 12}, {title, 19}} {
		for _, l := range d.wrap(h.text, h.pt, wide) {
			d.style(h.pt, h.pt > 12)
			d.pdf.Text(left+(wide-d.width(l, h.pt))/2, d.pdf.GetY()+h.pt*0.36, l)
			d.pdf.SetY(d.pdf.GetY() + h.pt*0.53)
		}
	}
	d.pdf.SetY(d.pdf.GetY() + 2)
}

// Section sets the name of what follows; it does not stand alone at the foot of a page.
func (d *Doc) Section(title string) {
	d.room(26)
	d.style(11, true)
	d.pdf.SetY(d.pdf.GetY() + 3)
	d.pdf.Text(left, d.pdf.GetY()+4.2, d.clean(title))
	d.pdf.SetY(d.pdf.GetY() + 6)
}

// Note sets small lines below a table.
func (d *Doc) Note(text string) {
	d.pdf.SetY(d.pdf.GetY() + 1)
	for _, l := range d.wrap(text, 8, wide) {
		d.room(4)
		d.style(8, false)
		d.pdf.Text(left, d.pdf.GetY()+3, l)
		d.pdf.SetY(d.pdf.GetY() + 4)
	}
}

// Row sets the cells of a row of a table. Widths are parts of the width of the paper; every cell that named says is
// shaded. What does not fit goes on on the next page.
func (d *Doc) Row(widths []float64, named func(i int) bool, cells ...string) {
	all, most := make([][]string, len(cells)), 1
	whole := 0.0
	for _, w := range widths {
		whole += w
	}
	at := make([]float64, len(cells)+1)
	for i, c := range cells {
		at[i+1] = at[i] + wide*widths[i]/whole
		all[i] = d.wrap(c, size, at[i+1]-at[i]-2*pad)
		most = max(most, len(all[i]))
	}
	for from := 0; from < most; {
		if fits := d.fit(); fits < 1 || from == 0 && most <= 12 && fits < most { // a short row is not cut in two
			d.pdf.AddPage()
		}
		n := min(most-from, d.fit())
		y, h := d.pdf.GetY(), float64(n)*line+2*pad
		for i := range cells {
			style := "D"
			if named(i) {
				style = "FD"
			}
			d.pdf.Rect(left+at[i], y, at[i+1]-at[i], h, style)
			d.style(size, false)
			for j := from; j < min(from+n, len(all[i])); j++ {
				d.pdf.Text(left+at[i]+pad, y+pad+float64(j-from)*line+3.7, all[i][j])
			}
		}
		d.pdf.SetY(y + h)
		from += n
	}
}

// Picture sets a PNG or JPEG in a row of its own behind its name, at most high millimetres high, with a line of text under
// it. What is no such picture is left out, and its text stands alone.
func (d *Doc) Picture(name string, image []byte, under string, high float64) {
	const share = 6.0 // the name has one part in six
	w, h := 0.0, 0.0
	flat, of := flatten(image)
	if flat != nil {
		h = high
		if w = h * float64(of.X) / float64(of.Y); w > wide*(share-1)/share-2*pad {
			w = wide*(share-1)/share - 2*pad
			h = w * float64(of.Y) / float64(of.X)
		}
	}
	if w == 0 {
		d.Row([]float64{1, share - 1}, func(i int) bool { return i == 0 }, name, under)
		return
	}
	whole := h + line + 3*pad
	d.room(whole)
	y := d.pdf.GetY()
	d.pdf.Rect(left, y, wide/share, whole, "FD")
	d.pdf.Rect(left+wide/share, y, wide-wide/share, whole, "D")
	d.style(size, false)
	for i, l := range d.wrap(name, size, wide/share-2*pad) {
		d.pdf.Text(left+pad, y+pad+float64(i)*line+3.7, l)
	}
	d.pictures++
	id := fmt.Sprintf("picture%d", d.pictures)
	d.pdf.RegisterImageOptionsReader(id, fpdf.ImageOptions{ImageType: "JPG"}, bytes.NewReader(flat))
	d.pdf.ImageOptions(id, left+wide/share+pad, y+pad, w, h, false, fpdf.ImageOptions{ImageType: "JPG"}, 0, "")
	if lines := d.wrap(under, size, wide-wide/share-2*pad); len(lines) > 0 {
		d.pdf.Text(left+wide/share+pad, y+2*pad+h+3.7, lines[0])
	}
	d.pdf.SetY(y + whole)
}

// mostPixels bounds a picture that is set.
const mostPixels = 40_000_000

// flatten draws a picture on white and packs it as JPEG, which every reader of PDF takes; nil where it is no picture.
func flatten(b []byte) ([]byte, picture.Point) {
	c, _, err := picture.DecodeConfig(bytes.NewReader(b))
	if err != nil || c.Width < 1 || c.Height < 1 || c.Width > mostPixels/c.Height {
		return nil, picture.Point{}
	}
	img, _, err := picture.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, picture.Point{}
	}
	page := picture.NewRGBA(img.Bounds())
	draw.Draw(page, page.Bounds(), picture.White, picture.Point{}, draw.Src)
	draw.Draw(page, page.Bounds(), img, img.Bounds().Min, draw.Over)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, page, &jpeg.Options{Quality: 85}); err != nil {
		return nil, picture.Point{}
	}
	return out.Bytes(), page.Bounds().Size()
}

// fit is how many lines of a row the page has room for.
func (d *Doc) fit() int { return int((bottom - d.pdf.GetY() - 2*pad) / line) }

// room begins a page when less than h is left of this one.
func (d *Doc) room(h float64) {
	if d.pdf.GetY()+h > bottom {
		d.pdf.AddPage()
	}
}

// WriteTo ends the paper and writes it.
func (d *Doc) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	if err := d.pdf.Output(&b); err != nil {
		return 0, fmt.Errorf("paper: %w", err)
	}
	return b.WriteTo(w)
}

func (d *Doc) style(pt float64, bold bool) {
	d.pdf.SetFont("sc", "", pt)
	d.pdf.SetTextColor(0, 0, 0)
	mode := 0
	if bold { // there is one weight of the font: its outline is drawn too
		mode = 2
	}
	d.pdf.SetTextRenderingMode(mode)
}

// clean leaves what the font can draw. What it cannot is a 〓 with the number of the character: nothing vanishes.
func (d *Doc) clean(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\t' || r == '\r':
			out.WriteByte(' ')
		case r == '\n':
			out.WriteByte('\n')
		case r < ' ' || r == 0x7f || r == 0x200b || r == 0xfeff:
		default:
			if g, err := d.font.GlyphIndex(&d.buf, r); err != nil || g == 0 || r > 0xffff {
				fmt.Fprintf(&out, "〓(U+%04X)", r)
				continue
			}
			out.WriteRune(r)
		}
	}
	return out.String()
}

// width of a text, in millimetres.
func (d *Doc) width(s string, pt float64) float64 {
	w := 0.0
	for _, r := range s {
		one, ok := d.wide[r]
		if !ok {
			was, _ := d.pdf.GetFontSize()
			d.pdf.SetFont("sc", "", 100)
			one = d.pdf.GetStringWidth(string(r)) / 100
			d.pdf.SetFontSize(was)
			d.wide[r] = one
		}
		w += one * pt
	}
	return w
}

// What may not begin a line, and what may not end one: GB/T 15834-2011 §5.
const (
	notFirst = "，。、；：！？）》」』】〉”’％…·,.;:!?)]}%"
	notLast  = "（《「『【〈“‘([{"
)

// wrap cuts a text into lines of at most w millimetres.
func (d *Doc) wrap(s string, pt, w float64) []string {
	var out []string
	for _, para := range strings.Split(d.clean(s), "\n") {
		rs := []rune(strings.TrimRight(para, " "))
		for len(rs) > 0 {
			n, used := 0, 0.0
			for n < len(rs) {
				if used += d.width(string(rs[n]), pt); used > w && n > 0 {
					break
				}
				n++
			}
			if n < len(rs) {
				n = breakAt(rs, n)
			}
			out = append(out, strings.TrimRight(string(rs[:n]), " "))
			rs = rs[n:]
			for len(rs) > 0 && rs[0] == ' ' {
				rs = rs[1:]
			}
		}
	}
	return out
}

// breakAt moves the end of a line back from n, at most half of it, to where a line may be broken.
func breakAt(rs []rune, n int) int {
	for i := n; i > n/2 && i > 0; i-- {
		word := latin(rs[i-1]) && latin(rs[i])
		if !word && !strings.ContainsRune(notFirst, rs[i]) && !strings.ContainsRune(notLast, rs[i-1]) {
			return i
		}
	}
	return n
}

func latin(r rune) bool { return r > ' ' && r < 0x250 }
