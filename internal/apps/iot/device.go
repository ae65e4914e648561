package iot

import (
	"regexp"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/signal"
)

// The states of a device.
const (
	active  = "active"
	stopped = "stopped"
)

// Device is one row of iot_device.
type Device struct {
	ID, Code, Name, Kind, Model, Vendor, Serial string
	Cadence                                     int
	Lon, Lat                                    float64
	Address, Division, Datum                    string
	Installed                                   store.Time
	State                                       string
	KeyHash                                     string
	KeyAt                                       store.Time
	Seen                                        store.Time
	Messages, Refused                           int64
	Trouble                                     Trouble
	Level                                       signal.Level
	Unit, Street, Owner, OwnerName              string
	At                                          store.Time
	Version                                     int64
}

// Trouble is what was wrong with a device's last message that was not kept whole.
type Trouble struct {
	Key  string     `json:"key,omitempty"`
	Args []any      `json:"args,omitempty"`
	At   store.Time `json:"at,omitzero"`
}

// codePattern: no slash, plus or number sign, which mean something in topics, and no colon, which ends the code in a client's id.
var codePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{1,39}$`)

// Topics. A device publishes below its own word, and hears what is sent down to it.
const root = "qushu/"

func upTopic(code string) string { return root + code + "/up" }

// mayPublish reports whether a device may publish to a topic: anything of its own but what comes down.
func mayPublish(code, topic string) bool {
	rest, ok := strings.CutPrefix(topic, root+code+"/")
	return ok && rest != "" && rest != "down" && !strings.HasPrefix(rest, "down/") && !strings.ContainsAny(topic, "+#\x00")
}

// maySubscribe reports whether a device may hear a filter: what is sent down to it.
func maySubscribe(code, filter string) bool {
	rest, ok := strings.CutPrefix(filter, root+code+"/down")
	return ok && (rest == "" || strings.HasPrefix(rest, "/"))
}

// ownClient reports whether a client's id is a device's: its code, or its code, a colon and more. Any other could be another device's,
// whose session it would take over.
func ownClient(code, client string) bool {
	return client == code || strings.HasPrefix(client, code+":")
}

func invalid(field, key string, args ...any) error {
	return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: field, Key: key, Args: args})
}

// Given is what a person says of a device.
type Given struct {
	Name      string     `json:"name" maxLength:"60"`
	Model     string     `json:"model" required:"false" maxLength:"60"`
	Vendor    string     `json:"vendor" required:"false" maxLength:"60"`
	Serial    string     `json:"serial" required:"false" maxLength:"60"`
	Cadence   int        `json:"cadence" required:"false" minimum:"0" maximum:"86400" doc:"seconds between two messages, as usual for its kind when 0"`
	Lon       float64    `json:"lon" minimum:"70" maximum:"140" doc:"CGCS2000, degrees"`
	Lat       float64    `json:"lat" minimum:"0" maximum:"60"`
	Address   string     `json:"address" required:"false" maxLength:"120"`
	Division  string     `json:"division" required:"false" pattern:"^(|[0-9]{6}|[0-9]{9}|[0-9]{12})$" doc:"code of the division it stands in"`
	Datum     string     `json:"datum" required:"false" maxLength:"20" doc:"of water levels: 吴淞, 黄海1985"`
	Installed store.Time `json:"installedAt" required:"false"`
}

func (g *Given) check() error {
	g.Name, g.Address = strings.TrimSpace(g.Name), strings.TrimSpace(g.Address)
	if len([]rune(g.Name)) < 2 {
		return invalid("name", "iot.no_name")
	}
	return nil
}

func (d *Device) take(g Given, k Kind) {
	d.Name, d.Model, d.Vendor, d.Serial, d.Lon, d.Lat, d.Address, d.Division, d.Datum, d.Installed = g.Name, g.Model, g.Vendor, g.Serial, g.Lon, g.Lat, g.Address, g.Division, g.Datum, g.Installed
	if d.Cadence = g.Cadence; d.Cadence == 0 {
		d.Cadence = k.Cadence
	}
}

// silent is how many missed messages make a device offline.
const silent = 3

// defs are the signals of a device. rules are those that stand, by code; a new signal begins with its kind's.
func (d *Device) defs(k Kind, rules map[string]signal.Rule) []signal.Def {
	var out []signal.Def
	for i, p := range k.Properties {
		def := signal.Def{Code: "iot." + d.Code + "." + p.Key, Name: d.Name + " " + p.Zh, Measure: p.Measure, Cadence: d.Cadence, Decimals: p.Decimals, Direction: p.Direction, Rule: p.Rule, Lon: d.Lon, Lat: d.Lat,
			Room: "iot", Object: d.ID, Link: "/iot/devices/" + d.ID, Unit: d.Unit, Street: d.Street, Owner: d.Owner, OwnerName: d.OwnerName}
		if i == 0 { // one alarm when a device falls silent, not one for each thing it measures
			def.Rule.Stale = silent * d.Cadence
		}
		if r, ok := rules[def.Code]; ok {
			def.Rule = r
		}
		out = append(out, def)
	}
	return out
}
