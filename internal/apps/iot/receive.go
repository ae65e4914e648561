package iot

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/signal"
)

// line is a device as this process hears it.
type line struct {
	dev   Device
	props map[string]string // name in messages → id of the signal
	read  time.Time         // when the row was read

	// limit slows one device down: who reads its connection waits, and TCP tells the sender. Nothing is dropped, and nobody
	// else waits with it.
	limit *rate.Limiter

	mu       sync.Mutex // of what follows
	seen     time.Time
	messages int64
	refused  int64
	trouble  Trouble
}

// fresh is how long a row is believed before it is read again: another replica may have stopped the device.
const fresh = 30 * time.Second

// line returns the device of a code, Missing when there is none that may send.
func (x *IoT) line(ctx context.Context, code string) (*line, error) {
	now := time.Now()
	x.mu.Lock()
	l := x.lines[code]
	x.mu.Unlock()
	if l != nil && now.Sub(l.read) < fresh {
		return l, nil
	}
	d, err := find(ctx, x.db, store.C("code = $1 AND state = 'active'", code))
	if err != nil {
		x.drop(code)
		return nil, err
	}
	signals, err := x.signals.Of(ctx, x.db, "iot", []string{d.ID})
	if err != nil {
		return nil, err
	}
	next := &line{dev: d, props: map[string]string{}, read: now}
	prefix := len("iot." + d.Code + ".")
	for _, s := range signals[d.ID] {
		next.props[s.Code[prefix:]] = s.ID
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if old := x.lines[code]; old != nil {
		next.limit = old.limit
		old.mu.Lock()
		next.seen, next.messages, next.refused, next.trouble = old.seen, old.messages, old.refused, old.trouble
		old.messages, old.refused = 0, 0
		old.mu.Unlock()
	}
	if perSecond := x.settings.Int(ctx, "iot.rate"); next.limit == nil || next.limit.Limit() != rate.Limit(perSecond) {
		next.limit = rate.NewLimiter(rate.Limit(perSecond), 2*perSecond)
	}
	x.lines[code] = next
	return next, nil
}

func (x *IoT) drop(code string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.lines, code)
}

// known reports whether a key is a device's own.
func (x *IoT) known(d *Device, key string) bool {
	ok := 0
	for _, h := range x.ring.TokenHashes(key) {
		ok |= subtle.ConstantTimeCompare([]byte(h), []byte(d.KeyHash))
	}
	return ok == 1 && d.KeyHash != ""
}

// receive keeps what a device has sent; when it returns nil that is on disk. An Invalid or TooLarge error is the device's fault and
// stands in its register; it would be the same the next time.
func (x *IoT) receive(ctx context.Context, l *line, payload []byte) error {
	flood := l.limit.Tokens() < 1
	if err := l.limit.Wait(ctx); err != nil {
		return errs.Wrap(err, errs.Limited, "iot.too_fast")
	}
	all, err := parse(payload)
	if err != nil {
		x.note(l, 1, err)
		return err
	}
	var readings []signal.Reading
	refused, last := int64(0), error(nil)
	for _, m := range all {
		if m.dev != "" && m.dev != l.dev.Code {
			last = errs.New(errs.Invalid, "iot.other_device", cut(m.dev))
			refused++
			continue
		}
		for _, name := range m.bad {
			last = errs.New(errs.Invalid, "iot.bad_value", cut(name))
			refused++
		}
		for name, v := range m.values {
			id := l.props[name]
			if id == "" {
				last = errs.New(errs.Invalid, "iot.unknown_value", cut(name))
				refused++
				continue
			}
			readings = append(readings, signal.Reading{Signal: id, At: m.at, Value: v})
		}
	}
	out, err := x.signals.Ingest(ctx, readings)
	if err != nil {
		return err
	}
	for _, r := range out.Refused {
		last = r.Why
		refused++
	}
	if out.Skew > 0 && last == nil {
		last = errs.New(errs.Invalid, "iot.clock", out.Skew.Round(time.Minute).String())
	}
	if flood && last == nil {
		x.note(l, 0, errs.New(errs.Limited, "iot.flood", int(l.limit.Limit())))
		return nil
	}
	x.note(l, refused, last)
	if out.Kept == 0 && last != nil {
		return last
	}
	return nil
}

// note remembers that a device was heard.
func (x *IoT) note(l *line, refused int64, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = x.now()
	l.messages++
	if e, ok := errors.AsType[*errs.Error](why); ok {
		l.refused += refused
		l.trouble = Trouble{Key: e.Key, Args: e.Args, At: store.At(l.seen)}
	}
}

// flushing writes behind what was heard, until ctx ends.
func (x *IoT) flushing(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return x.flush(context.WithoutCancel(ctx))
		case <-tick.C:
			if err := x.flush(ctx); err != nil {
				slog.WarnContext(ctx, "iot: what was heard is not written yet", "error", err)
			}
		}
	}
}

func (x *IoT) flush(ctx context.Context) error {
	x.mu.Lock()
	all := make([]*line, 0, len(x.lines))
	for _, l := range x.lines {
		all = append(all, l)
	}
	x.mu.Unlock()
	type heard struct {
		l                 *line
		seen              store.Time
		messages, refused int64
		trouble           Trouble
	}
	var todo []heard
	for _, l := range all {
		l.mu.Lock()
		if l.messages > 0 {
			todo = append(todo, heard{l, store.At(l.seen), l.messages, l.refused, l.trouble})
			l.messages, l.refused = 0, 0
		}
		l.mu.Unlock()
	}
	if len(todo) == 0 {
		return nil
	}
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, h := range todo {
			if err := saveSeen(ctx, tx, h.l.dev.ID, h.seen, h.messages, h.refused, h.trouble); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for _, h := range todo {
			h.l.mu.Lock()
			h.l.messages, h.l.refused = h.l.messages+h.messages, h.l.refused+h.refused
			h.l.mu.Unlock()
		}
	}
	return err
}
