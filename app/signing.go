package app

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// signingName is the file with the key of this installation; bundles carry its public half.
const signingName = "signing.key"

// signingKey reads the key that signs bundles, and makes it when there is none. It lies in a file of its
// own, since the database is copied into backups and exports.
func signingKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, signingName)
	text, err := os.ReadFile(path) // #nosec G304 -- a file of the data folder
	if errors.Is(err, fs.ErrNotExist) {
		seed := make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed) // never fails
		return ed25519.NewKeyFromSeed(seed), writeFile(path, []byte(hex.EncodeToString(seed)+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s does not hold a key: delete it to have a new one made", signingName)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
