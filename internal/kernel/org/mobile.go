package org

import "strconv"

// mobileColumn names the blind index of mobile numbers.
const mobileColumn = "org_person.mobile"

// aad binds a sealed number to its row: moved to another person it does not open.
func aad(person string) string { return mobileColumn + "/" + person }

// seal returns what is kept of a number: sealed, and its blind index. Both are "" for none.
func (o *Org) seal(person, mobile string) (sealed, index string) {
	if mobile == "" {
		return "", ""
	}
	return o.ring.Seal(aad(person), []byte(mobile)), o.ring.Index(mobileColumn, mobile)
}

// open returns the number in the clear.
func (o *Org) open(p Person) (string, error) {
	if p.sealed == "" {
		return "", nil
	}
	b, err := o.ring.Unseal(aad(p.ID), p.sealed)
	return string(b), err
}

func itoa(n int) string { return strconv.Itoa(n) }
