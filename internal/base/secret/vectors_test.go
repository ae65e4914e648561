package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantHex(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("%s = %x, want %s", what, got, want)
	}
}

// GB/T 32905-2016 appendix A; the empty message and HMAC recomputed with OpenSSL 3.0.
func TestSM3Vectors(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		wantHex(t, "SM3", SM3([]byte(in)), want)
		if SM3Hex([]byte(in)) != want {
			t.Error("SM3Hex", in)
		}
	}
	wantHex(t, "HMAC-SM3", HMACSM3([]byte("key"), []byte("The quick brown fox jumps over the lazy dog")),
		"bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398")
}

// The audit chain: h0 = SM3("genesis"), h_i = SM3(hex(h_{i-1}) + "\n" + record_i).
func TestSM3ChainVector(t *testing.T) {
	h := SM3Hex([]byte("genesis"))
	for _, step := range []struct{ record, want string }{
		{"", "6cea0e5f62fd5f4cf6fe53369a849137b7b4c0ea8530291ad8b6ec02d0102f00"},
		{"1|2023-06-01T09:00:00.000+08:00|zhangsan|login|ok", "3c32d6a72f100e4c370e250ddc39da6d78eeceafe7c9505903dc65522a8eef45"},
		{"2|2023-06-01T09:01:00.000+08:00|zhangsan|query|1", "7c13b8da781a8ca7c48d7d830daddd13f206987956c654399e3fd1db1c3ccf6d"},
	} {
		if step.record != "" {
			h = SM3Hex([]byte(h + "\n" + step.record))
		}
		if h != step.want {
			t.Errorf("after %q: %s, want %s", step.record, h, step.want)
		}
	}
}

// GB/T 32907-2016 appendix A, and the modes of GB/T 17964 recomputed with OpenSSL 3.0.
func TestSM4Vectors(t *testing.T) {
	key := unhex(t, "0123456789abcdeffedcba9876543210")
	block, err := sm4.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 16)
	block.Encrypt(out, key)
	wantHex(t, "ECB", out, "681edf34d206965e86b3e94f536e4246")
	block.Decrypt(out, out)
	wantHex(t, "ECB back", out, "0123456789abcdeffedcba9876543210")

	twice := bytes.Repeat(key, 2)
	cbc := make([]byte, 32)
	cipher.NewCBCEncrypter(block, make([]byte, 16)).CryptBlocks(cbc, twice)
	wantHex(t, "CBC", cbc, "681edf34d206965e86b3e94f536e42469ff11dcfd3afaa236c76090babc3bb85")
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(cbc, cbc)
	wantHex(t, "CBC back", cbc, hex.EncodeToString(twice))

	ctr := make([]byte, 8)
	cipher.NewCTR(block, unhex(t, "000102030405060708090a0b0c0d0e0f")).XORKeyStream(ctr, []byte("hongshan"))
	wantHex(t, "CTR", ctr, "6ef7f2064ece09c3")

	copy(out, key)
	for range 1_000_000 {
		block.Encrypt(out, out)
	}
	wantHex(t, "a million times ECB", out, "595298c7c6fd271f0402f804c33d3f66")
}

// RFC 8998 appendix A.1: the mode Seal uses.
func TestSM4GCMVector(t *testing.T) {
	block, err := sm4.NewCipher(unhex(t, "0123456789abcdeffedcba9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain := unhex(t, "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa")
	wantHex(t, "GCM", gcm.Seal(nil, unhex(t, "00001234567800000000abcd"), plain, unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2")),
		"17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec")
}

// GB/T 32918.5-2017: curve, key, ZA, e and the signature for a given k.
func TestSM2Vectors(t *testing.T) {
	num := func(s string) *big.Int { return new(big.Int).SetBytes(unhex(t, s)) }
	c := sm2.P256().Params()
	for what, pair := range map[string][2]*big.Int{
		"p":  {c.P, num("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF")},
		"b":  {c.B, num("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93")},
		"n":  {c.N, num("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123")},
		"Gx": {c.Gx, num("32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7")},
		"Gy": {c.Gy, num("BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0")},
	} {
		if pair[0].Cmp(pair[1]) != 0 {
			t.Errorf("%s = %x", what, pair[0])
		}
	}
	d := num("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
	//lint:ignore SA1019 the vectors give raw coordinates
	x, y := sm2.P256().ScalarBaseMult(d.Bytes())
	//lint:ignore SA1019 the vectors give raw coordinates
	pub := &ecdsa.PublicKey{Curve: sm2.P256(), X: x, Y: y}
	wantHex(t, "Px", x.Bytes(), "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020")
	wantHex(t, "Py", y.Bytes(), "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13")

	msg := []byte("message digest")
	za, err := sm2.CalculateZA(pub, []byte(signer))
	if err != nil {
		t.Fatal(err)
	}
	wantHex(t, "ZA", za, "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3")
	e := SM3(append(za, msg...))
	wantHex(t, "e", e, "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")

	// The library takes no k from outside, so the two equations of §6.1 are worked here on its curve.
	k := num("59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21")
	//lint:ignore SA1019 the vectors give raw coordinates
	x1, _ := sm2.P256().ScalarBaseMult(k.Bytes())
	r := new(big.Int).Add(new(big.Int).SetBytes(e), x1)
	r.Mod(r, c.N)
	s := new(big.Int).Sub(k, new(big.Int).Mul(r, d))
	s.Mul(s, new(big.Int).ModInverse(new(big.Int).Add(big.NewInt(1), d), c.N)).Mod(s, c.N)
	wantHex(t, "r", r.Bytes(), "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3")
	wantHex(t, "s", s.Bytes(), "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")

	sig, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(pub, msg, sig); err != nil {
		t.Error("the standard's signature must verify:", err)
	}
	if err := verify(pub, []byte("message digesT"), sig); err == nil {
		t.Error("another message must not")
	}
	sig[len(sig)-1] ^= 1
	if err := verify(pub, msg, sig); err == nil {
		t.Error("another s must not")
	}
}
