package kernel

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/kernel/codes"
	"qushu/internal/room"
)

// rooms are the kernel's own declarations, in the order of their tables.
func (k *Kit) rooms() []*room.Room {
	return []*room.Room{
		k.Audit.Room(),
		k.Authz.Room(),
		k.Org.Room(),
		k.Settings.Room(),
		k.Identity.Room(),
		k.System.Room(),
		k.Files.Room(),
		k.Datasets.Room(),
		k.Notify.Room(),
		k.Talk.Room(),
		k.Flow.Room(),
		k.Signals.Room(),
		k.Find.Room(),
	}
}

// mask hides a value that the actor may not see in full.
func mask(kind, value string) string { return codes.Mask(codes.Kind(kind), value) }

// above returns the ids of a unit and of every unit above it.
func (k *Kit) above(ctx context.Context, q store.Queryer, unit string) ([]string, error) {
	path, err := k.Org.UnitPath(ctx, q, unit)
	ids := make([]string, len(path))
	for i, u := range path {
		ids[i] = u.ID
	}
	return ids, err
}
