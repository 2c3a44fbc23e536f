package app

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
)

// certificate loads what the settings name; nil without one.
func certificate(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, errors.New("TLS needs a certificate and its key: tls_cert and tls_key go together")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// fingerprint names the certificate that a server shows; empty without TLS.
func fingerprint(c *tls.Config) string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Certificates[0].Certificate[0])
	return hex.EncodeToString(sum[:])
}

// onlyCertificate trusts one certificate and no other, whoever signed it and whatever names it bears: server.json, which
// is ours alone, says which one our own server shows.
func onlyCertificate(sum string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, // #nosec G402 -- VerifyConnection compares the whole certificate instead
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) > 0 && sum == certSum(s.PeerCertificates[0]) {
				return nil
			}
			return errors.New("this is not the certificate of our own server")
		}}
}

func certSum(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
