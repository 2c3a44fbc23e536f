package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/zalando/go-keyring"

	"github.com/inferometer/inferometer/backend/service"
)

const (
	// keyringService is the name under which keys lie in the system's keyring.
	keyringService = "inferometer"
	// keysName is the file of the data folder for keys on a machine without a keyring.
	keysName = "keys.json"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// secrets keeps endpoint keys: in the environment when the person named a variable, else in the
// system's keyring, else (no keyring on this machine) in a file that only this user may read. The
// names of variables are kept in vars, because they are no secret.
type secrets struct {
	vars service.KeyValueStore
	path string
	log  *slog.Logger
	mu   sync.Mutex // of the file
}

var _ service.SecretStore = (*secrets)(nil)

func newSecrets(vars service.KeyValueStore, dir string, log *slog.Logger) *secrets {
	return &secrets{vars: vars, path: filepath.Join(dir, keysName), log: log}
}

func varKey(id string) string { return "endpoint-env:" + id }

// Set implements service.SecretStore.
func (s *secrets) Set(id, secret string) (string, error) {
	if err := s.Delete(id); err != nil {
		return "", err
	}
	if name, ok := strings.CutPrefix(secret, "env:"); ok {
		if !envName.MatchString(name) {
			return "", errors.New("env: must be followed by the name of a variable")
		}
		return secret, s.vars.SetKV(background(), varKey(id), name)
	}
	if err := keyring.Set(keyringService, id, secret); err == nil {
		return "keyring", nil
	}
	if err := s.change(func(keys map[string]string) bool { keys[id] = secret; return true }); err != nil {
		return "", err
	}
	s.log.Warn("There is no keyring; the key of an endpoint lies in a file of the data folder", "file", keysName, "endpointId", id)
	return "file", nil
}

// Get implements service.SecretStore; no key is no error.
func (s *secrets) Get(id string) (string, error) {
	name, ok, err := s.vars.GetKV(background(), varKey(id))
	if err != nil {
		return "", err
	}
	if ok && name != "" {
		v := os.Getenv(name)
		if v == "" {
			return "", fmt.Errorf("the variable %s is not set", name)
		}
		return v, nil
	}
	s.mu.Lock()
	keys, err := s.read()
	s.mu.Unlock()
	if err != nil {
		return "", err
	}
	if v, held := keys[id]; held {
		return v, nil
	}
	v, err := keyring.Get(keyringService, id)
	if err != nil {
		return "", nil //nolint:nilerr // not found, or no keyring: there is no key
	}
	return v, nil
}

// Delete implements service.SecretStore.
func (s *secrets) Delete(id string) error {
	err := s.change(func(keys map[string]string) bool {
		_, held := keys[id]
		delete(keys, id)
		return held
	})
	if err != nil {
		return err
	}
	_ = keyring.Delete(keyringService, id) // not found, or no keyring: nothing is left either way
	return s.vars.SetKV(background(), varKey(id), "")
}

// change rewrites the file when f says that it changed the keys.
func (s *secrets) change(f func(map[string]string) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, err := s.read()
	if err != nil || !f(keys) {
		return err
	}
	b, err := json.Marshal(keys)
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return writeFile(s.path, append(b, '\n'))
}

// read returns the keys of the file. Its errors name no content: that is made of keys.
func (s *secrets) read() (map[string]string, error) {
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	keys := map[string]string{}
	if json.Unmarshal(b, &keys) != nil {
		return nil, fmt.Errorf("read keys: %s is damaged; delete it and enter the keys of the endpoints again", s.path)
	}
	return keys, nil
}
