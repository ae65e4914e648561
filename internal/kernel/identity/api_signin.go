package identity

import (
	"context"
	"net/http"

	"qushu/internal/room"
)

// Next is what the way in asks for next.
type Next struct {
	Next Step `json:"next" enum:"done,totp,enroll,change"`
}

type nextOut struct {
	SetCookie *http.Cookie `header:"Set-Cookie"`
	Body      Next
}

func (i *Identity) led(e entry, err error) (*nextOut, error) {
	if err != nil {
		return nil, err
	}
	return &nextOut{i.cookie(e.value), Next{e.next}}, nil
}

type signInIn struct {
	Body struct {
		Account  string `json:"account" minLength:"1" maxLength:"64"`
		Password string `json:"password" minLength:"1" maxLength:"1024"`
	}
}

func (i *Identity) postSignIn(ctx context.Context, in *signInIn) (*nextOut, error) {
	return i.led(i.signIn(ctx, in.Body.Account, in.Body.Password))
}

// ProofBody shows the second factor.
type ProofBody struct {
	Code     string `json:"code,omitempty" maxLength:"16" doc:"six digits of the authenticator app"`
	Recovery string `json:"recovery,omitempty" maxLength:"64" doc:"instead of code: one of the recovery codes"`
}

func (b *ProofBody) proof() proof {
	if b == nil {
		return proof{}
	}
	return proof{b.Code, b.Recovery}
}

type proofIn struct{ Body ProofBody }

func (i *Identity) postTOTP(ctx context.Context, in *proofIn) (*nextOut, error) {
	return i.led(i.showFactor(ctx, in.Body.proof()))
}

type enrolIn struct{ Body *ProofBody }

// Enrollment is a second factor to be scanned.
type Enrollment struct {
	Secret string `json:"secret" doc:"base 32, for typing in"`
	URI    string `json:"uri" doc:"otpauth:// for the app"`
	QR     string `json:"qr" doc:"the same as an image, data:image/png;base64,…"`
}

type enrolOut struct{ Body Enrollment }

func (i *Identity) postEnrol(ctx context.Context, in *enrolIn) (*enrolOut, error) {
	n, err := i.beginEnrol(ctx, in.Body.proof())
	if err != nil {
		return nil, err
	}
	return &enrolOut{Enrollment{n.secret, n.uri, n.qr}}, nil
}

// Enrolled is the answer to the first code of a new second factor.
type Enrolled struct {
	RecoveryCodes []string `json:"recoveryCodes" nullable:"false" doc:"shown once"`
	Next          Step     `json:"next" enum:"done,totp,enroll,change"`
}

type confirmIn struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"16"`
	}
}

type confirmOut struct {
	SetCookie *http.Cookie `header:"Set-Cookie"`
	Body      Enrolled
}

func (i *Identity) postConfirm(ctx context.Context, in *confirmIn) (*confirmOut, error) {
	e, codes, err := i.confirmEnrol(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &confirmOut{i.cookie(e.value), Enrolled{codes, e.next}}, nil
}

// RecoveryCodes are new ones, which replace the old.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recoveryCodes" nullable:"false" doc:"shown once"`
}

type recoveryOut struct{ Body RecoveryCodes }

func (i *Identity) postRecovery(ctx context.Context, in *confirmIn) (*recoveryOut, error) {
	codes, err := i.renewRecovery(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &recoveryOut{RecoveryCodes{codes}}, nil
}

func (i *Identity) postUnbind(ctx context.Context, in *proofIn) (*struct{}, error) {
	return nil, i.unbind(ctx, in.Body.proof())
}

type passwordIn struct {
	Body struct {
		Old string `json:"old,omitempty" maxLength:"1024" doc:"the present password; not asked on the way in"`
		New string `json:"new" minLength:"1" maxLength:"1024"`
	}
}

func (i *Identity) postPassword(ctx context.Context, in *passwordIn) (*nextOut, error) {
	return i.led(i.changePassword(ctx, in.Body.Old, in.Body.New))
}

type activateIn struct {
	Body struct {
		Account  string `json:"account" minLength:"1" maxLength:"64"`
		Code     string `json:"code" minLength:"1" maxLength:"64"`
		Password string `json:"password" minLength:"1" maxLength:"1024"`
	}
}

func (i *Identity) postActivate(ctx context.Context, in *activateIn) (*nextOut, error) {
	return i.led(i.activate(ctx, in.Body.Account, in.Body.Code, in.Body.Password))
}

type clearOut struct {
	SetCookie *http.Cookie `header:"Set-Cookie"`
}

func (i *Identity) postSignOut(ctx context.Context, _ *struct{}) (*clearOut, error) {
	if err := i.signOut(ctx); err != nil {
		return nil, err
	}
	return &clearOut{i.cookie("")}, nil
}

// signInRoutes are open: each checks the session it completes.
func (i *Identity) signInRoutes() []room.Route {
	return []room.Route{
		room.Post("/signin", room.Open, i.postSignIn).Secrets(),
		room.Post("/totp", room.Open, i.postTOTP).Secrets(),
		room.Post("/enroll", room.Open, i.postEnrol).Secrets().NoAudit("nothing is bound until the first code is shown"),
		room.Post("/enroll/confirm", room.Open, i.postConfirm).Secrets(),
		room.Post("/password", room.Open, i.postPassword).Secrets(),
		room.Post("/activate", room.Open, i.postActivate).Secrets(),
		room.Post("/signout", room.Open, i.postSignOut).Secrets(),
		room.Post("/recovery", room.Signed, i.postRecovery).Secrets(),
		room.Post("/totp/remove", room.Signed, i.postUnbind),
	}
}
