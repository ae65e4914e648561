package identity

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// TokenShown is one token, without its secret.
type TokenShown struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes" nullable:"false" doc:"the permissions it is cut down to"`
	MadeBy    string     `json:"madeBy"`
	CreatedAt store.Time `json:"createdAt"`
	ExpiresAt store.Time `json:"expiresAt"`
	UsedAt    store.Time `json:"usedAt"`
	Expired   bool       `json:"expired"`
}

// Scope is a permission a token may be made for.
type Scope struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Tokens are an account's tokens and what a new one may be made for.
type Tokens struct {
	Items   []TokenShown `json:"items" nullable:"false"`
	Scopes  []string     `json:"scopes" nullable:"false" doc:"permissions the account holds"`
	Titles  []Scope      `json:"titles" nullable:"false" doc:"the same with their titles"`
	MaxDays int          `json:"maxDays"`
}

type tokensOut struct{ Body Tokens }

// TokenBody is what a new token is to be.
type TokenBody struct {
	Name   string   `json:"name" minLength:"1" maxLength:"60"`
	Scopes []string `json:"scopes" nullable:"false" minItems:"1" maxItems:"200"`
	Days   int      `json:"days" minimum:"1" maximum:"3650"`
}

type tokenIn struct{ Body TokenBody }

// TokenMade shows a new token, once.
type TokenMade struct {
	ID        string     `json:"id"`
	Token     string     `json:"token" doc:"shown once"`
	ExpiresAt store.Time `json:"expiresAt"`
}

type tokenMadeOut struct{ Body TokenMade }

func (i *Identity) getTokens(ctx context.Context, _ *struct{}) (*tokensOut, error) {
	c, err := ownSession(ctx)
	if err != nil {
		return nil, err
	}
	holder, err := i.mainPost(ctx)
	if err != nil {
		return nil, err
	}
	return i.tokensOf(ctx, c.Account, holder)
}

// mainPost is the caller in his main post, in which his tokens act whatever he acts in himself.
func (i *Identity) mainPost(ctx context.Context) (*room.Actor, error) {
	a := *room.ActorOf(ctx)
	if a.Admin != "" {
		return &a, nil
	}
	a.Post, a.Unit, a.Home, a.Street = "", "", "", ""
	return &a, i.inPost(ctx, &a, "")
}

// tokensOf lists an account's tokens; holder is its owner with his rights.
func (i *Identity) tokensOf(ctx context.Context, account string, holder *room.Actor) (*tokensOut, error) {
	all, err := liveTokens(ctx, i.DB, account)
	if err != nil {
		return nil, err
	}
	out := &tokensOut{Tokens{Items: []TokenShown{}, Scopes: []string{}, Titles: []Scope{}, MaxDays: i.rules(ctx).tokenDays}}
	for _, t := range all {
		out.Body.Items = append(out.Body.Items, TokenShown{t.ID, t.Name, t.Perms.V, t.MadeBy, t.Created, t.Expires, t.Used, !t.Expires.After(i.Now())})
	}
	if holder.Admin != "" {
		return out, nil
	}
	for p := range holder.Grants {
		out.Body.Scopes = append(out.Body.Scopes, p)
	}
	slices.Sort(out.Body.Scopes)
	for _, p := range out.Body.Scopes {
		out.Body.Titles = append(out.Body.Titles, Scope{p, i.words.Text(web.From(ctx).Lang, "perm."+p)})
	}
	return out, nil
}

func (i *Identity) postToken(ctx context.Context, in *tokenIn) (*tokenMadeOut, error) {
	c, err := ownSession(ctx)
	if err != nil {
		return nil, err
	}
	if room.ActorOf(ctx).Admin != "" { // it would pass by second factor and time-outs
		return nil, errs.New(errs.Denied, "identity.no_admin_token")
	}
	holder, err := i.mainPost(ctx)
	if err != nil {
		return nil, err
	}
	return i.makeToken(ctx, &account{ID: c.Account}, holder, in.Body)
}

// makeToken makes a token of an account cut down to permissions its holder has now. Losing one later takes
// it from the token too.
func (i *Identity) makeToken(ctx context.Context, of *account, holder *room.Actor, b TokenBody) (*tokenMadeOut, error) {
	if most := i.rules(ctx).tokenDays; b.Days > most {
		return nil, errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: "days", Key: "web.v.max", Args: []any{most}})
	}
	for _, p := range b.Scopes {
		if len(holder.Grants[p]) == 0 {
			return nil, errs.New(errs.Denied, "identity.not_your_scope", i.words.Text(web.From(ctx).Lang, "perm."+p))
		}
	}
	plain, hash := i.Ring.NewToken(tokenPrefix)
	now := i.Now()
	t := token{ID: id.New(), Hash: hash, Account: of.ID, Name: strings.TrimSpace(b.Name), Perms: store.JSON[[]string]{V: b.Scopes},
		MadeBy: room.ActorOf(ctx).Name, Created: store.At(now), Expires: store.At(now.AddDate(0, 0, b.Days))}
	err := i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertToken(ctx, tx, t); err != nil {
			return err
		}
		if of.Service {
			if err := i.tell(ctx, tx, of, "identity.told_service_token", t.MadeBy, of.Login, t.Name); err != nil {
				return err
			}
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.token_made", Object: "identity_token", ID: t.ID, Title: t.Name,
			Detail: map[string]any{"account": of.ID, "scopes": b.Scopes, "days": b.Days}})
	})
	return &tokenMadeOut{TokenMade{t.ID, plain, t.Expires}}, err
}

func (i *Identity) deleteToken(ctx context.Context, in *idIn) (*struct{}, error) {
	c, err := ownSession(ctx)
	if err != nil {
		return nil, err
	}
	return nil, i.dropToken(ctx, c.Account, in.ID)
}

func (i *Identity) dropToken(ctx context.Context, account, tokenID string) error {
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := revokeToken(ctx, tx, account, tokenID, i.Now())
		if errs.Is(err, errs.Conflict) {
			return errs.New(errs.Missing, "identity.no_token")
		}
		if err != nil {
			return err
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.token_revoked", Object: "identity_token", ID: tokenID})
	})
}

type serviceTokenIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body TokenBody
}

type serviceTokenIDIn struct {
	ID    string `path:"id" maxLength:"64"`
	Token string `path:"token" maxLength:"64"`
}

// service returns a program's account with what its post lets it do.
func (i *Identity) service(ctx context.Context, id string) (account, *room.Actor, error) {
	a, err := findAccount(ctx, i.DB, id)
	if err != nil {
		return a, nil, err
	}
	if !a.Service {
		return a, nil, errs.New(errs.Denied, "identity.not_a_service")
	}
	holder := a.actor("")
	return a, holder, i.inPost(ctx, holder, "")
}

func (i *Identity) getServiceTokens(ctx context.Context, in *idIn) (*tokensOut, error) {
	_, holder, err := i.service(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return i.tokensOf(ctx, in.ID, holder)
}

func (i *Identity) postServiceToken(ctx context.Context, in *serviceTokenIn) (*tokenMadeOut, error) {
	a, holder, err := i.service(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := a.shut(); err != nil {
		return nil, err
	}
	return i.makeToken(ctx, &a, holder, in.Body)
}

func (i *Identity) deleteServiceToken(ctx context.Context, in *serviceTokenIDIn) (*struct{}, error) {
	if _, _, err := i.service(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, i.dropToken(ctx, in.ID, in.Token)
}
