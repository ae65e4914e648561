package kernel

import (
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
	}
}

// mask hides a value that the actor may not see in full.
func mask(kind, value string) string { return codes.Mask(codes.Kind(kind), value) }
