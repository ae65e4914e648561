package history

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
)

// Photo draws a picture that stands for one taken on the spot: houses under a sky. No real place is shown.
func Photo(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 11))
	const w, h = 960, 720
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	sky := color.RGBA{uint8(150 + rng.IntN(60)), uint8(180 + rng.IntN(50)), uint8(205 + rng.IntN(40)), 255}
	fill := func(r image.Rectangle, c color.RGBA) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				im.SetRGBA(x, y, c)
			}
		}
	}
	fill(im.Bounds(), sky)
	fill(image.Rect(0, 560, w, h), color.RGBA{128, 128, 122, 255})
	for x := 0; x < w; {
		wide, high := 90+rng.IntN(120), 180+rng.IntN(280)
		grey := uint8(120 + rng.IntN(90))
		fill(image.Rect(x, 560-high, min(w, x+wide), 560), color.RGBA{grey, grey, grey - 12, 255})
		for wy := 560 - high + 18; wy < 540; wy += 44 {
			for wx := x + 14; wx < min(w, x+wide)-20; wx += 34 {
				light := uint8(60 + rng.IntN(120))
				fill(image.Rect(wx, wy, wx+18, wy+24), color.RGBA{light, light, light + 20, 255})
			}
		}
		x += wide + 6
	}
	for range 5 {
		x := rng.IntN(w)
		fill(image.Rect(x, 540, min(w, x+8), 600), color.RGBA{92, 66, 48, 255})
		fill(image.Rect(max(0, x-26), 480, min(w, x+34), 545), color.RGBA{58, uint8(100 + rng.IntN(50)), 60, 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im, &jpeg.Options{Quality: 82}); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
