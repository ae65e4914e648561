package system

import (
	"context"
	"syscall"
)

// disk warns before writes fail: at 10 % or 5 GiB, and calls 2 % or 1 GiB bad.
func (y *System) disk(context.Context) Finding {
	if y.site.Data == "" {
		return Finding{OK, "system.disk_elsewhere", nil}
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(y.site.Data, &fs); err != nil {
		return Finding{Warn, "system.disk_unknown", []any{err}}
	}
	free, all := fs.Bavail*uint64(fs.Bsize), fs.Blocks*uint64(fs.Bsize)
	state := OK
	switch {
	case free < 1<<30 || free*50 < all:
		state = Bad
	case free < 5<<30 || free*10 < all:
		state = Warn
	}
	return Finding{state, "system.disk", []any{free >> 30, all >> 30}}
}
