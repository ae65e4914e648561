package authz

import (
	"time"

	"qushu/internal/base/store"
	"qushu/internal/room"
)

// RolePerm is one permission of a role, with how far it reaches from the post that carries the role.
type RolePerm struct {
	Perm  string     `json:"perm" maxLength:"80"`
	Scope room.Scope `json:"scope" enum:"self,unit,below,street,all"`
}

// Role is a named set of permissions that posts carry.
type Role struct {
	ID      string     `json:"id"`
	Key     string     `json:"key" doc:"of a built-in role, empty otherwise"`
	Name    string     `json:"name"`
	NameEN  string     `json:"nameEn"`
	Note    string     `json:"note"`
	Builtin bool       `json:"builtin" doc:"cannot be deleted"`
	Members int        `json:"members" doc:"posts that carry it"`
	Perms   []RolePerm `json:"perms" nullable:"false"`
	Changed store.Time `json:"changedAt"`
	Version int64      `json:"version"`
}

// Delegation lends permissions of one post's holder to another person for a dated period.
type Delegation struct {
	ID         string     `json:"id"`
	FromPerson string     `json:"fromPerson"`
	FromPost   string     `json:"fromPost"`
	FromName   string     `json:"fromName"`
	ToPerson   string     `json:"toPerson"`
	ToName     string     `json:"toName"`
	Reason     string     `json:"reason"`
	From       store.Time `json:"from"`
	Until      store.Time `json:"until"`
	Made       store.Time `json:"madeAt"`
	Revoked    store.Time `json:"revokedAt"`
	RevokedBy  string     `json:"-"`

	perms []string
}

// State is where a delegation stands at now: planned, valid, ended or revoked.
func (d Delegation) State(now time.Time) string {
	switch {
	case !d.Revoked.IsZero():
		return "revoked"
	case !now.Before(d.Until.Time):
		return "ended"
	case now.Before(d.From.Time):
		return "planned"
	}
	return "valid"
}

// Changed is the payload of authz.changed.
type Changed struct {
	What string `json:"what"` // role, post or delegation
	ID   string `json:"id"`
}
