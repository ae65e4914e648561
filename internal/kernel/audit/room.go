package audit

import "qushu/internal/room"

// Room declares the package.
func (l *Log) Room() *room.Room {
	return &room.Room{Name: "audit", Pillar: room.Kernel, Schema: schema, Text: Text, Actions: []string{"audit.denied"}}
}
