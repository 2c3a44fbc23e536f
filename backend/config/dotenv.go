package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const largestDotEnv = 1 << 20

// ReadDotEnv reads a .env file; one that does not exist, or an empty path, is an empty one.
func ReadDotEnv(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open .env: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, largestDotEnv+1))
	if err != nil {
		return nil, fmt.Errorf("read .env: %w", err)
	}
	if len(b) > largestDotEnv {
		return nil, fmt.Errorf("read .env: %s is larger than %d bytes", path, largestDotEnv)
	}
	vars, err := ParseDotEnv(string(b))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return vars, nil
}

// ParseDotEnv reads NAME=value lines. A line may begin with "export " and a comment with "#".
// Single quotes keep their content as it is; double quotes know \n \t \r \" \\ and \$. Nothing is
// replaced inside values. The last of two lines with one name counts. Errors name the line and
// never repeat a value, which may be a key.
func ParseDotEnv(text string) (map[string]string, error) {
	vars := map[string]string{}
	text = strings.TrimPrefix(text, "\uFEFF")
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "export"); ok && rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
			line = strings.TrimSpace(rest)
		}
		name, value, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !found || !isName(name) {
			return nil, fmt.Errorf("line %d is not NAME=value", n)
		}
		value, err := dotEnvValue(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("line %d: %s %w", n, name, err)
		}
		vars[name] = value
	}
	return vars, nil
}

func isName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func dotEnvValue(s string) (string, error) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return unquoted(s), nil
	}
	quote := s[0]
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			if rest := strings.TrimSpace(s[i+1:]); rest != "" && rest[0] != '#' {
				return "", errors.New("has text after its closing quote")
			}
			return out.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			out.WriteString(escaped(s[i]))
		default:
			out.WriteByte(c)
		}
	}
	return "", errors.New("has no closing quote")
}

// unquoted drops a comment, which needs a blank before it.
func unquoted(s string) string {
	for i := range len(s) {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

func escaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '"', '\\', '$':
		return string(c)
	}
	return "\\" + string([]byte{c}) // unknown: as written, so that Windows paths survive
}
