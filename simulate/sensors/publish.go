package sensors

import (
	"context"
	"errors"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Dial connects a sensor to a broker with its key.
func Dial(ctx context.Context, broker, code, key string) (mqtt.Client, error) {
	o := mqtt.NewClientOptions().AddBroker(broker).SetClientID(code).SetUsername(code).SetPassword(key).SetConnectTimeout(10 * time.Second).SetConnectRetry(false).SetAutoReconnect(true).SetMaxReconnectInterval(10 * time.Second)
	c := mqtt.NewClient(o)
	return c, wait(ctx, c.Connect(), code)
}

func wait(ctx context.Context, t mqtt.Token, code string) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(30 * time.Second):
		return fmt.Errorf("sensors: %s: the broker does not answer", code)
	case <-t.Done():
		if err := t.Error(); err != nil {
			return fmt.Errorf("sensors: %s: %w", code, err)
		}
		return nil
	}
}

// atOnce is how many messages of the past go in one payload.
const atOnce = 500

// CatchUp sends what a sensor measured from a time until another, a message every step, and returns when all of it is on the other
// side's disk.
func (p Point) CatchUp(ctx context.Context, c mqtt.Client, s Storm, from, until time.Time, step time.Duration) error {
	var times []time.Time
	send := func() error {
		if len(times) == 0 {
			return nil
		}
		err := wait(ctx, c.Publish("qushu/"+p.Code+"/up", 1, false, p.Payload(s, times...)), p.Code)
		times = times[:0]
		return err
	}
	for t := from; t.Before(until); t = t.Add(step) {
		if times = append(times, t); len(times) == atOnce {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

// Live sends what a sensor measures from now on, every period, until ctx ends.
func (p Point) Live(ctx context.Context, c mqtt.Client, s Storm, period time.Duration) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		err := wait(ctx, c.Publish("qushu/"+p.Code+"/up", 1, false, p.Payload(s, time.Now())), p.Code)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
