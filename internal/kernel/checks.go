package kernel

import (
	"context"
	"strings"

	"qushu/internal/kernel/system"
)

// storeChecks look whether files and datasets can be reached: the one writes and reads a few bytes, the
// other asks the engine what it holds.
func (k *Kit) storeChecks() []system.Check {
	var out []system.Check
	if k.Blobs != nil {
		out = append(out, system.Check{Name: "files", Run: func(ctx context.Context) system.Finding {
			ref, err := k.Blobs.Put(ctx, strings.NewReader("qushu doctor\n"), 0)
			if err == nil {
				_, err = k.Blobs.Stat(ctx, ref.Hash)
			}
			if err != nil {
				return system.Finding{State: system.Bad, Key: "system.files_away", Args: []any{err}}
			}
			return system.Finding{State: system.OK, Key: "system.files_ok"}
		}})
	}
	if k.Warehouse != nil {
		out = append(out, system.Check{Name: "warehouse", Run: func(ctx context.Context) system.Finding {
			s, err := k.Warehouse.Stats(ctx)
			if err != nil {
				return system.Finding{State: system.Bad, Key: "system.warehouse_away", Args: []any{err}}
			}
			return system.Finding{State: system.OK, Key: "system.warehouse_ok", Args: []any{s.Versions, s.Rows, s.File >> 20, s.Memory >> 20}}
		}})
	}
	return out
}
