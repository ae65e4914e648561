package identity

import (
	"context"
	"time"

	"github.com/pquerna/otp/totp"

	"qushu/internal/base/errs"
)

// DemoCode returns the six digits the authenticator app of an account would show now. Only a demonstration
// gives them: whoever tries it out has no phone with the key of everybody in it.
func (i *Identity) DemoCode(ctx context.Context, login string) (string, error) {
	if !i.opts.Demo {
		return "", errs.New(errs.Denied, "identity.not_demo")
	}
	a, err := findLogin(ctx, i.DB, login)
	if err != nil {
		return "", err
	}
	if a.TOTP == "" {
		return "", errs.New(errs.Missing, "identity.no_factor_bound", login)
	}
	key, err := i.Ring.Unseal(aad(a.ID), a.TOTP)
	if err != nil {
		return "", err
	}
	return totp.GenerateCode(string(key), time.Now())
}
