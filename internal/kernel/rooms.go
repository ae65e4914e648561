package kernel

import (
	"qushu/internal/room"
)

// rooms are the kernel's own declarations, in the order of their tables.
func (k *Kit) rooms() []*room.Room {
	return []*room.Room{
		k.Audit.Room(),
		k.Settings.Room(),
	}
}

// mask hides a value that the actor may not see in full.
func mask(kind, value string) string {
	if len(value) == 11 {
		return value[:3] + "****" + value[7:]
	}
	_ = kind
	return "***"
}
