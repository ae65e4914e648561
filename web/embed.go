// Package web carries the built front end inside the program.
package web

import (
	"embed"
	"io/fs"
)

// all: keeps dist/.keep in the set, so the program builds before the front end does.
//
//go:embed all:dist
var dist embed.FS

// Dist returns the built front end rooted at its index.html. Beside each text file stand its .gz and .br forms.
// Before `npm run build` it holds only .keep, and opening index.html gives fs.ErrNotExist.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: dist is embedded at build time: " + err.Error())
	}
	return sub
}
