package main

import (
	"qushu/internal/kernel"
	"qushu/internal/room"
)

// rooms is the list of rooms of this program, with the adapters between them.
func rooms(kit *kernel.Kit) []*room.Room {
	return nil
}
