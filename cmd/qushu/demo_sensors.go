package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"qushu/internal/base/config"
	"qushu/simulate/sensors"
)

// sensorKeys is where a demonstration keeps its sensors' keys, so that serve can play them: in a real district each is in its device.
const sensorKeys = "sensors.json"

// demoBroker gives the demonstration's broker a port of its own, since another program may have the usual one.
func demoBroker(cfg *config.Config) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cfg.MQTT.Listen = l.Addr().String()
	return l.Close()
}

// sensors registers the 35 sensors as the water bureau's keeper of devices and lets each send two weeks by MQTT, a night of rain last.
func (b *builder) sensors(ctx context.Context) error {
	b.clock.set(time.Now())
	d, err := b.enter(ctx, b.named("shuiwu.iot"))
	if err != nil {
		return err
	}
	all, keys := sensors.Points(), map[string]string{}
	for _, p := range all {
		var made struct{ Key string }
		in := map[string]any{"code": p.Code, "kind": p.Kind, "name": p.Name, "lon": p.Lon, "lat": p.Lat, "address": p.Address, "division": p.Division, "vendor": p.Vendor, "cadence": p.Cadence, "datum": "吴淞"}
		if err := d.call(ctx, "POST", "/api/iot/devices", in, &made); err != nil {
			return fmt.Errorf("%s: %w", p.Code, err)
		}
		keys[p.Code] = made.Key
	}
	now := b.clock.now()
	storm := sensors.Storm{End: now}
	if err := b.atOnce(len(all), func(i int) error {
		p := all[i]
		c, err := sensors.Dial(ctx, "tcp://"+b.a.cfg.MQTT.Listen, p.Code, keys[p.Code])
		if err != nil {
			return err
		}
		defer c.Disconnect(250)
		if err := p.CatchUp(ctx, c, storm, now.AddDate(0, 0, -14), now.Add(-12*time.Hour), 30*time.Minute); err != nil {
			return err
		}
		return p.CatchUp(ctx, c, storm, now.Add(-12*time.Hour), now, 5*time.Minute)
	}); err != nil {
		return err
	}
	text, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.a.cfg.Data, sensorKeys), text, 0o600)
}

// playSensors goes on as the demonstration's sensors while it is served: over TCP, with their keys, as others would. It rains, and in
// a few minutes the first culvert is over its orange line.
func playSensors(ctx context.Context, cfg *config.Config) {
	text, err := os.ReadFile(filepath.Join(cfg.Data, sensorKeys))
	if errors.Is(err, os.ErrNotExist) || cfg.MQTT.Listen == "" || cfg.TLS.Cert != "" || !cfg.Has(config.RoleMQTT) {
		return
	}
	var keys map[string]string
	if err == nil {
		err = json.Unmarshal(text, &keys)
	}
	if err != nil {
		slog.Warn("the demonstration's sensors stay silent", "error", err)
		return
	}
	all := sensors.Points()
	storm := sensors.Rising(all, time.Now().Add(3*time.Minute))
	for _, p := range all {
		if keys[p.Code] != "" {
			go play(ctx, cfg.MQTT.Listen, p, keys[p.Code], storm)
		}
	}
}

// play is one sensor. It tries again while the broker is not there: it starts beside it.
func play(ctx context.Context, broker string, p sensors.Point, key string, storm sensors.Storm) {
	for range 10 {
		c, err := sensors.Dial(ctx, "tcp://"+broker, p.Code, key)
		if err == nil {
			defer c.Disconnect(250)
			if err := p.Live(ctx, c, storm, min(15*time.Second, time.Duration(p.Cadence)*time.Second)); err != nil {
				slog.Warn("a sensor of the demonstration stays silent", "sensor", p.Code, "error", err)
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Second):
		}
	}
}
