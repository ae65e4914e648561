// Package dcat writes a catalogue in the vocabulary of W3C DCAT 3, as JSON-LD and as Turtle, both from one graph. What is
// mandatory in DCAT-AP is always there: title, description, publisher and datasets of a catalogue, title and description of a
// dataset, the access address of a distribution.
package dcat

import (
	"strconv"
	"time"
)

// Catalog is the whole.
type Catalog struct {
	IRI, Title, Description, Lang string
	Publisher                     Agent
	Modified                      time.Time
	Service                       string // IRI of the query service, "" for none
	Datasets                      []Dataset
}

// Agent is who publishes.
type Agent struct{ Name, Code string }

// Dataset is one entry.
type Dataset struct {
	IRI, Title, Description, Code string
	Publisher                     Agent
	Contact, Phone                string
	Theme, ThemeCode              string
	Keywords                      []string
	Cycle                         string // of the catalogue: monthly …
	Share                         string // unconditional, conditional, refused
	Issued, Modified              time.Time
	Space, Since, Until           string
	Related                       []string // IRIs
	Version                       int64
	Items                         []Item
	Distributions                 []Distribution
}

// Item is one item, as a column of CSV on the Web.
type Item struct{ Name, Field, Type string }

// Distribution is one thing that can be fetched.
type Distribution struct {
	IRI, Title, Access, Download, Media string
	Bytes                               int64
	Modified                            time.Time
}

// The vocabularies, by the prefix they are written with.
var prefixes = [][2]string{
	{"csvw", "http://www.w3.org/ns/csvw#"}, {"dcat", "http://www.w3.org/ns/dcat#"}, {"dct", "http://purl.org/dc/terms/"}, {"foaf", "http://xmlns.com/foaf/0.1/"},
	{"rdfs", "http://www.w3.org/2000/01/rdf-schema#"}, {"skos", "http://www.w3.org/2004/02/skos/core#"}, {"vcard", "http://www.w3.org/2006/vcard/ns#"}, {"xsd", "http://www.w3.org/2001/XMLSchema#"},
}

const (
	frequency = "http://publications.europa.eu/resource/authority/frequency/"
	rights    = "http://publications.europa.eu/resource/authority/access-right/"
	media     = "https://www.iana.org/assignments/media-types/"
)

// Frequencies are the cycles in the frequency list of the EU authority tables.
var Frequencies = map[string]string{"realtime": "UPDATE_CONT", "daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "quarterly": "QUARTERLY", "halfyear": "ANNUAL_2", "yearly": "ANNUAL", "irregular": "IRREG", "once": "NEVER"}

// Rights are the share types in the list of access rights.
var Rights = map[string]string{"unconditional": "PUBLIC", "conditional": "RESTRICTED", "refused": "NON_PUBLIC"}

// datatypes are the types of items in XML Schema.
var datatypes = map[string]string{"C": "string", "M": "string", "G": "string", "N": "decimal", "Y": "decimal", "D": "date", "T": "dateTime", "L": "boolean", "B": "double", "I": "integer", "F": "float"}

// node is one thing of the graph; one without IRI is blank and stands where it is named.
type node struct {
	iri   string
	types []string
	says  []property
}

type property struct {
	name   string
	values []value
}

// value is an IRI, a literal, or a node.
type value struct {
	iri, text, lang, datatype string
	node                      *node
}

func (n *node) add(name string, values ...value) {
	var kept []value
	for _, v := range values {
		if v.iri != "" || v.text != "" || v.node != nil {
			kept = append(kept, v)
		}
	}
	if len(kept) > 0 {
		n.says = append(n.says, property{name, kept})
	}
}

func iri(s string) value             { return value{iri: s} }
func plain(s string) value           { return value{text: s} }
func typed(s, datatype string) value { return value{text: s, datatype: datatype} }

func moment(t time.Time) value {
	if t.IsZero() {
		return value{}
	}
	return typed(t.UTC().Format(time.RFC3339), "xsd:dateTime")
}

// graph turns a catalogue into its nodes, the catalogue first.
func (c *Catalog) graph() []*node {
	text := func(s string) value { return value{text: s, lang: c.Lang} }
	agent := func(a Agent) value {
		n := &node{types: []string{"foaf:Agent"}}
		n.add("foaf:name", text(a.Name))
		n.add("dct:identifier", plain(a.Code))
		return value{node: n}
	}
	top := &node{iri: c.IRI, types: []string{"dcat:Catalog"}}
	top.add("dct:title", text(c.Title))
	top.add("dct:description", text(c.Description))
	top.add("dct:publisher", agent(c.Publisher))
	top.add("dct:modified", moment(c.Modified))
	out := []*node{top}
	var all []value
	for i := range c.Datasets {
		d := &c.Datasets[i]
		all = append(all, iri(d.IRI))
		out = append(out, d.nodes(text, agent)...)
	}
	top.add("dcat:dataset", all...)
	if c.Service != "" {
		service := &node{iri: c.Service, types: []string{"dcat:DataService"}}
		service.add("dct:title", plain("CKAN datastore_search"))
		service.add("dcat:endpointURL", iri(c.Service))
		service.add("dcat:servesDataset", all...)
		top.add("dcat:service", iri(c.Service))
		out = append(out, service)
	}
	return out
}

func (d *Dataset) nodes(text func(string) value, agent func(Agent) value) []*node {
	n := &node{iri: d.IRI, types: []string{"dcat:Dataset"}}
	n.add("dct:title", text(d.Title))
	n.add("dct:description", text(d.Description))
	n.add("dct:identifier", plain(d.Code))
	n.add("dct:publisher", agent(d.Publisher))
	if d.Contact != "" || d.Phone != "" {
		card := &node{types: []string{"vcard:Organization"}}
		card.add("vcard:fn", text(d.Contact))
		if number := digits(d.Phone); number != "" {
			card.add("vcard:hasTelephone", iri("tel:"+number))
		}
		n.add("dcat:contactPoint", value{node: card})
	}
	if d.Theme != "" {
		theme := &node{types: []string{"skos:Concept"}}
		theme.add("skos:prefLabel", text(d.Theme))
		theme.add("skos:notation", plain(d.ThemeCode))
		n.add("dcat:theme", value{node: theme})
	}
	var words []value
	for _, k := range d.Keywords {
		words = append(words, text(k))
	}
	n.add("dcat:keyword", words...)
	n.add("dct:accrualPeriodicity", under(frequency, Frequencies[d.Cycle]))
	n.add("dct:accessRights", under(rights, Rights[d.Share]))
	n.add("dct:issued", moment(d.Issued))
	n.add("dct:modified", moment(d.Modified))
	if d.Space != "" {
		place := &node{types: []string{"dct:Location"}}
		place.add("rdfs:label", text(d.Space))
		n.add("dct:spatial", value{node: place})
	}
	if d.Since != "" || d.Until != "" {
		period := &node{types: []string{"dct:PeriodOfTime"}}
		period.add("dcat:startDate", typed(d.Since, "xsd:date"))
		period.add("dcat:endDate", typed(d.Until, "xsd:date"))
		n.add("dct:temporal", value{node: period})
	}
	for _, r := range d.Related {
		n.add("dct:relation", iri(r))
	}
	n.add("dcat:version", plain(strconv.FormatInt(d.Version, 10)))
	d.schema(n, text)
	out := []*node{n}
	var parts []value
	for _, x := range d.Distributions {
		parts = append(parts, iri(x.IRI))
		out = append(out, x.node(text))
	}
	n.add("dcat:distribution", parts...)
	return out
}

// schema lists the items as a table schema of CSV on the Web.
func (d *Dataset) schema(n *node, text func(string) value) {
	if len(d.Items) == 0 {
		return
	}
	schema := &node{types: []string{"csvw:Schema"}}
	for _, i := range d.Items {
		col := &node{types: []string{"csvw:Column"}}
		col.add("csvw:name", plain(i.Field))
		col.add("csvw:title", text(i.Name))
		col.add("csvw:datatype", plain(datatypes[i.Type]))
		schema.add("csvw:column", value{node: col})
	}
	n.add("csvw:tableSchema", value{node: schema})
}

func (x Distribution) node(text func(string) value) *node {
	n := &node{iri: x.IRI, types: []string{"dcat:Distribution"}}
	n.add("dct:title", text(x.Title))
	n.add("dcat:accessURL", iri(x.Access))
	n.add("dcat:downloadURL", iri(x.Download))
	if x.Media != "" {
		n.add("dcat:mediaType", iri(media+x.Media))
	}
	if x.Bytes > 0 {
		n.add("dcat:byteSize", typed(strconv.FormatInt(x.Bytes, 10), "xsd:nonNegativeInteger"))
	}
	n.add("dct:modified", moment(x.Modified))
	return n
}

func under(base, name string) value {
	if name == "" {
		return value{}
	}
	return iri(base + name)
}

func digits(s string) string {
	out := []rune{}
	for _, r := range s {
		if r >= '0' && r <= '9' || r == '+' || r == '-' {
			out = append(out, r)
		}
	}
	return string(out)
}
