package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// localCertificate makes a CA and a server certificate in <data>/tls, once; the CA's file is what
// the district's machines are told to trust.
func localCertificate(data, addr string) (certFile, keyFile string, err error) {
	dir := filepath.Join(data, "tls")
	certFile, keyFile = filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")
	if fresh(certFile) {
		return certFile, keyFile, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", fmt.Errorf("local CA: %w", err)
	}
	caKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err1, err2); err != nil {
		return "", "", err
	}
	now := time.Now().Add(-time.Hour)
	ca := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Qushu local CA"}, NotBefore: now, NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	srv := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Qushu"}, NotBefore: now, NotAfter: now.AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}}
	if name, err := os.Hostname(); err == nil {
		srv.DNSNames = append(srv.DNSNames, name)
	}
	srv.IPAddresses = append(srv.IPAddresses, served(addr)...)
	caDER, err1 := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	der, err2 := x509.CreateCertificate(rand.Reader, srv, ca, &key.PublicKey, caKey)
	keyDER, err3 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err1, err2, err3); err != nil {
		return "", "", err
	}
	chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})...)
	for _, old := range []string{certFile, keyFile, filepath.Join(dir, "ca.pem")} {
		_ = os.Remove(old) // an expiring one is replaced with its CA
	}
	return certFile, keyFile, errors.Join( // the CA's private key is thrown away: this CA signs one certificate
		os.WriteFile(filepath.Join(dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), 0o644),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600),
		os.WriteFile(certFile, chain, 0o644))
}

// fresh reports whether a certificate is there and good for another month.
func fresh(certFile string) bool {
	b, err := os.ReadFile(certFile)
	if err != nil {
		return false
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	return err == nil && time.Until(c.NotAfter) > 30*24*time.Hour
}

// served lists the addresses browsers may use: the one listened on, or all of this machine's.
func served(addr string) []net.IP {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	if err == nil && ip != nil && !ip.IsUnspecified() {
		return []net.IP{ip}
	}
	all, _ := net.InterfaceAddrs() // none is a certificate for this machine's name alone
	var out []net.IP
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() {
			out = append(out, n.IP)
		}
	}
	return out
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // the system has no randomness
	}
	return n
}
