package exchange

import (
	"qushu/internal/base/jobs"
	"qushu/internal/room"
)

func deliveryPlace(id string) string { return "exchange_delivery.sealed/" + id }

func (x *Exchange) deliveryRoutes() []room.Route { return nil }

func (x *Exchange) deliveryJobs() []jobs.Handler { return nil }
