package codes

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Item is one entry of a dictionary.
type Item struct {
	Code    string   `json:"code"`
	Name    string   `json:"name"`
	En      string   `json:"en"`
	Aliases []string `json:"aliases,omitempty"` // other ways people write it; for 民族 the letter code too
}

// Dictionary is one code list of a standard.
type Dictionary struct {
	Name    string `json:"name"` // sex, marital, nation, education, politics, credit_authority, credit_category
	Title   string `json:"title"`
	TitleEn string `json:"titleEn"`
	Source  string `json:"source"` // the standard, e.g. GB/T 2261.1-2003
	Items   []Item `json:"items"`  // in order of the standard; not to be changed
	find    map[string]int
}

// Dictionaries are the code lists the program carries.
type Dictionaries struct{ all []*Dictionary }

// LoadDictionaries reads them. An error is a fault of the build.
func LoadDictionaries() (*Dictionaries, error) {
	b, err := data.ReadFile("data/dictionaries.json")
	if err != nil {
		return nil, err
	}
	d := &Dictionaries{}
	if err := json.Unmarshal(b, &d.all); err != nil {
		return nil, fmt.Errorf("codes: dictionaries: %w", err)
	}
	for _, dict := range d.all {
		dict.find = map[string]int{}
		for i, x := range dict.Items {
			for _, word := range append([]string{x.Code, x.Name, x.En}, x.Aliases...) {
				word = strings.ToUpper(word)
				if j, twice := dict.find[word]; twice && j != i {
					return nil, fmt.Errorf("codes: dictionary %s: %q stands twice", dict.Name, word)
				}
				dict.find[word] = i
			}
		}
	}
	return d, nil
}

// All returns every dictionary in a fixed order.
func (d *Dictionaries) All() []*Dictionary { return append([]*Dictionary(nil), d.all...) }

// Get returns the dictionary of that name.
func (d *Dictionaries) Get(name string) (*Dictionary, bool) {
	for _, dict := range d.all {
		if dict.Name == name {
			return dict, true
		}
	}
	return nil, false
}

// Find returns the item a value of a spreadsheet means: its code (a leading zero may be missing), its name in either
// language or one of its aliases, whatever the width and case of letters.
func (d *Dictionary) Find(value string) (Item, bool) {
	word := strings.ToUpper(without(fold(value), " "))
	i, ok := d.find[word]
	if !ok && allDigits(word) {
		i, ok = d.find["0"+word]
	}
	if !ok { // English names have spaces
		i, ok = d.find[strings.ToUpper(fold(value))]
	}
	if !ok {
		return Item{}, false
	}
	return d.Items[i], true
}
