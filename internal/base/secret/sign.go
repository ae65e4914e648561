package secret

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/pem"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"qushu/internal/base/errs"
)

// signer is the default user id of GB/T 35276; with it a signature verifies anywhere without a further agreement.
const signer = "1234567812345678"

// pemType is the PEM label of a SubjectPublicKeyInfo.
const pemType = "PUBLIC KEY"

// Sign signs data with the current SM2 key: SM2 with SM3 (OID 1.2.156.10197.1.501), user id 1234567812345678, ASN.1
// SEQUENCE{r,s} (GB/T 32918.2, GB/T 35276). Keep keyID beside the signature; PublicKeyPEM(keyID) verifies it offline.
func (r *Ring) Sign(data []byte) (keyID string, sig []byte, err error) {
	k := r.keys.Load().current(Signing)
	sig, err = k.pair.SignWithSM2(rand.Reader, []byte(signer), data)
	if err != nil {
		return "", nil, errs.Wrap(err, errs.Internal, "secret.cannot_sign")
	}
	return k.id, sig, nil
}

// Verify checks what Sign gave. Errors: secret.key_unknown, secret.bad_signature.
func (r *Ring) Verify(keyID string, data, sig []byte) error {
	k := r.keys.Load().byID[keyID]
	if k == nil || k.pair == nil {
		return errs.New(errs.Invalid, "secret.key_unknown", keyID)
	}
	return verify(&k.pair.PublicKey, data, sig)
}

// PublicKeyPEM returns the public half of a signing key as PEM SubjectPublicKeyInfo, which OpenSSL reads; "" means
// the current one. Error: secret.key_unknown.
func (r *Ring) PublicKeyPEM(keyID string) ([]byte, error) {
	s := r.keys.Load()
	k := s.byID[keyID]
	if keyID == "" {
		k = s.current(Signing)
	}
	if k == nil || k.pair == nil {
		return nil, errs.New(errs.Missing, "secret.key_unknown", keyID)
	}
	der, err := smx509.MarshalPKIXPublicKey(&k.pair.PublicKey)
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "secret.bad_public_key")
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// VerifyWith checks an SM2 signature without a ring, as an auditor does on another machine. Errors:
// secret.bad_public_key, secret.bad_signature.
func VerifyWith(publicPEM, data, sig []byte) error {
	block, _ := pem.Decode(bytes.TrimSpace(publicPEM))
	if block == nil || block.Type != pemType {
		return errs.New(errs.Invalid, "secret.bad_public_key")
	}
	pub, err := smx509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "secret.bad_public_key")
	}
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(key) {
		return errs.New(errs.Invalid, "secret.bad_public_key")
	}
	return verify(key, data, sig)
}

func verify(pub *ecdsa.PublicKey, data, sig []byte) error {
	if !sm2.VerifyASN1WithSM2(pub, []byte(signer), data, sig) {
		return errs.New(errs.Invalid, "secret.bad_signature")
	}
	return nil
}
