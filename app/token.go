package app

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
)

// fewestTokenChars is the shortest token that a person may have put into the file.
const fewestTokenChars = 32

// loadToken reads the token of the REST server, or makes one.
func loadToken(dir string) (string, error) {
	path := filepath.Join(dir, tokenName)
	if b, err := os.ReadFile(path); err == nil && len(strings.TrimSpace(string(b))) >= fewestTokenChars { // #nosec G304 -- a file of the data folder
		if err := os.Chmod(path, 0o600); err != nil { // a person may have written it
			return "", err
		}
		return strings.TrimSpace(string(b)), nil
	}
	return newToken(dir)
}

func newToken(dir string) (string, error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	token := hex.EncodeToString(raw)
	return token, writeFile(filepath.Join(dir, tokenName), []byte(token+"\n"))
}

// rotateToken puts a new token in place of the old one, and ends every login and all that the old one let in.
func (a *App) rotateToken() error {
	a.rotating.Lock()
	defer a.rotating.Unlock()
	token, err := newToken(a.w.DataDir)
	if err != nil {
		return err
	}
	a.token.Replace(token)
	a.logins.Forget()
	a.log.Info("There is a new token")
	return nil
}
