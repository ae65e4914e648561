package iot

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"qushu/internal/kernel/signal"
)

//go:embed data/kinds.json
var kindsJSON []byte

// Property is one thing a kind of device measures.
type Property struct {
	Key       string      `json:"key" doc:"its name in messages"`
	Zh        string      `json:"zh"`
	En        string      `json:"en"`
	Measure   string      `json:"measure" doc:"unit it is measured in"`
	Decimals  int         `json:"decimals"`
	Direction string      `json:"direction" enum:"up,down,band,info"`
	Rule      signal.Rule `json:"rule"`
}

// Kind is a kind of device with what it measures: its thing model.
type Kind struct {
	Key        string     `json:"key"`
	Zh         string     `json:"zh"`
	En         string     `json:"en"`
	Cadence    int        `json:"cadence" doc:"seconds between two messages, unless the device says otherwise"`
	Properties []Property `json:"properties" nullable:"false"`
}

// battery is what every device may tell of itself.
func battery() Property {
	blue, yellow, low, high := 20.0, 10.0, 0.0, 100.0
	return Property{Key: "battery", Zh: "电量", En: "Battery", Measure: "%", Decimals: 0, Direction: "up", Rule: signal.Rule{Below: signal.Lines{Blue: &blue, Yellow: &yellow}, Hysteresis: 3, Low: &low, High: &high}}
}

// readKinds reads the kinds that come with the program.
func readKinds() ([]Kind, error) {
	var all []Kind
	if err := json.Unmarshal(kindsJSON, &all); err != nil {
		return nil, fmt.Errorf("iot: kinds: %w", err)
	}
	for i := range all {
		all[i].Properties = append(all[i].Properties, battery())
		for _, p := range all[i].Properties {
			if err := p.Rule.Check(); err != nil {
				return nil, fmt.Errorf("iot: kind %s, %s: %w", all[i].Key, p.Key, err)
			}
		}
	}
	return all, nil
}
