package app

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/zalando/go-keyring"

	"github.com/inferometer/inferometer/backend/service"
)

// keyringService is the name under which keys lie in the system's keyring.
const keyringService = "inferometer"

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// secrets keeps endpoint keys: in the environment when the person named a variable, else in the
// system's keyring, else (no keyring on this machine) in memory until the program ends. The names
// of variables are kept in vars, because they are no secret.
type secrets struct {
	vars service.KeyValueStore
	mu   sync.Mutex
	mem  map[string]string
}

var _ service.SecretStore = (*secrets)(nil)

func newSecrets(vars service.KeyValueStore) *secrets {
	return &secrets{vars: vars, mem: map[string]string{}}
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mem[id] = secret
	return "memory", nil
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
	v, held := s.mem[id]
	s.mu.Unlock()
	if held {
		return v, nil
	}
	v, err = keyring.Get(keyringService, id)
	if err != nil {
		return "", nil //nolint:nilerr // not found, or no keyring: there is no key
	}
	return v, nil
}

// Delete implements service.SecretStore.
func (s *secrets) Delete(id string) error {
	s.mu.Lock()
	delete(s.mem, id)
	s.mu.Unlock()
	_ = keyring.Delete(keyringService, id) // not found, or no keyring: nothing is left either way
	return s.vars.SetKV(background(), varKey(id), "")
}
