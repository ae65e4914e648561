package secret

import (
	"bytes"
	"crypto/subtle"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"qushu/internal/base/errs"
)

const (
	totpPeriod = 30 // seconds, RFC 6238 §5.2
	totpSkew   = 1  // steps on either side
	totpSecret = 20 // bytes, RFC 4226 §4 R6
)

// NewTOTP makes a second factor for an authenticator app: secret (base 32, to be sealed by the caller) and the
// otpauth:// URI that carries it. issuer and account are what the app shows. SHA1, 6 digits, 30 s: what every app reads.
func NewTOTP(issuer, account string) (secret, uri string, err error) {
	plain := strings.NewReplacer(":", " ") // the URI's label is "issuer:account"
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: plain.Replace(issuer), AccountName: plain.Replace(account), SecretSize: totpSecret, Period: totpPeriod,
	})
	if err != nil {
		return "", "", errs.Wrap(err, errs.Internal, "secret.totp_not_made")
	}
	return key.Secret(), key.URL(), nil
}

// VerifyTOTP checks a six-digit code against the step of now and one on either side (RFC 6238 §5.2). It returns the
// step that matched: the caller keeps it and refuses a step not after the last one it accepted, for a code works once.
func VerifyTOTP(secret, code string, now time.Time) (step int64, ok bool) {
	return verifyTOTP(secret, code, now, otp.DigitsSix)
}

func verifyTOTP(secret, code string, now time.Time, digits otp.Digits) (step int64, ok bool) {
	code = strings.TrimSpace(code)
	at := now.Unix() / totpPeriod
	for s := at - totpSkew; s <= at+totpSkew; s++ { // all three, so that time tells nothing
		if s < 0 {
			continue
		}
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// QRCode draws a text (a provisioning URI) as a PNG of size×size pixels with the quiet zone scanners need (ISO/IEC
// 18004 §5.3.8), 200 to 1000 pixels. Error: secret.qr_too_long, when the text does not fit.
func QRCode(text string, size int) ([]byte, error) {
	size = min(max(size, 200), 1000)
	key, err := otp.NewKeyFromURL(text)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "secret.qr_too_long")
	}
	quiet := size / 10
	code, err := key.Image(size-2*quiet, size-2*quiet)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "secret.qr_too_long")
	}
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	draw.Draw(img, code.Bounds().Add(image.Pt(quiet, quiet)), code, code.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, errs.Wrap(err, errs.Internal, "secret.qr_too_long")
	}
	return out.Bytes(), nil
}
