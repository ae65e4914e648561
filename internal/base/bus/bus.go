// Package bus tells the rooms what happened. An event becomes one job per listener in the
// transaction of the change (the outbox), so it is delivered at least once or not at all.
package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
)

// Event names an event and its payload type. Payloads only ever gain fields.
type Event struct {
	Name string
	Type reflect.Type
}

// Listener reads an event into a payload type of its own. It may run twice.
type Listener struct {
	Name string // of the event
	Type reflect.Type
	Run  func(ctx context.Context, payload []byte) error
}

// Emits declares an event with payload T.
func Emits[T any](name string) Event { return Event{name, reflect.TypeFor[T]()} }

// On declares a listener that reads the fields of T.
func On[T any](name string, fn func(context.Context, T) error) Listener {
	return Listener{name, reflect.TypeFor[T](), func(ctx context.Context, p []byte) error {
		var t T
		if err := json.Unmarshal(p, &t); err != nil {
			return jobs.Final(fmt.Errorf("bus: %s: %w", name, err))
		}
		return fn(ctx, t)
	}}
}

// Bus delivers the events of the installed rooms.
type Bus struct {
	jobs   *jobs.Client
	events map[string]Event
	heard  map[string][]string // event → job names
	types  map[string][]Listener
}

// New returns a bus that delivers through c.
func New(c *jobs.Client) *Bus {
	return &Bus{jobs: c, events: map[string]Event{}, heard: map[string][]string{}, types: map[string][]Listener{}}
}

// Add declares what a room emits and hears.
func (b *Bus) Add(room string, emits []Event, hears []Listener) error {
	for _, e := range emits {
		if _, twice := b.events[e.Name]; twice {
			return fmt.Errorf("bus: event %s is declared twice", e.Name)
		}
		b.events[e.Name] = e
	}
	for _, l := range hears {
		name := room + ".on." + l.Name
		if err := b.jobs.Add(jobs.Handler{Name: name, Type: l.Type, Run: l.Run}); err != nil {
			return err
		}
		b.heard[l.Name] = append(b.heard[l.Name], name)
		b.types[l.Name] = append(b.types[l.Name], l)
	}
	return nil
}

// Check reports listeners that cannot read their event; warn is called for an event no installed
// room emits, which is allowed.
func (b *Bus) Check(warn func(string)) error {
	for name, ls := range b.types {
		e, ok := b.events[name]
		if !ok {
			warn("bus: nobody emits " + name)
			continue
		}
		for _, l := range ls {
			if err := Fits(e, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// Emit writes the event for every listener in tx.
func (b *Bus) Emit(ctx context.Context, tx *store.Tx, name string, payload any) error {
	e, ok := b.events[name]
	if !ok {
		return fmt.Errorf("bus: event %s is not declared", name)
	}
	if t := reflect.TypeOf(payload); t != e.Type {
		return fmt.Errorf("bus: event %s is declared with %s, not %s", name, e.Type, t)
	}
	for _, job := range b.heard[name] {
		if err := b.jobs.Enqueue(ctx, tx, job, payload); err != nil {
			return err
		}
	}
	return nil
}

// Fits reports why listener l cannot read event e, nil when it can.
func Fits(e Event, l Listener) error {
	for f := range l.Type.Fields() {
		g, ok := e.Type.FieldByName(f.Name)
		if !ok || g.Type != f.Type || g.Tag.Get("json") != f.Tag.Get("json") {
			return fmt.Errorf("bus: %s: a listener reads %s %s, the event has no such field", e.Name, f.Name, f.Type)
		}
	}
	return nil
}
