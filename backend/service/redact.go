package service

import (
	"encoding/json"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// shortestName is how long a name must be to be looked for: a shorter one is part of too many words.
const shortestName = 3

// redactor takes secrets and names out of texts that leave the machine.
type redactor struct {
	secrets []string
	names   []named
}

type named struct {
	match *regexp.Regexp
	to    string
}

// secret is a text that is taken out wherever it stands.
func (r *redactor) secret(text string) {
	if len(text) >= shortestName {
		r.secrets = append(r.secrets, text)
	}
}

// name is a word that is replaced where it stands alone. The administrator has no name of his own.
func (r *redactor) name(word, to string) {
	if len(word) < shortestName || word == "root" || word == "localhost" {
		return
	}
	r.names = append(r.names, named{regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(word) + `\b`), to})
}

// What looks like a secret, or like words that a person typed.
var (
	anyURL     = regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>\\]+`)
	authScheme = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+`)
	assigned   = regexp.MustCompile(`(?i)\b((?:api|access)[_-]?key|token|secret|password|passwd|authorization)(\\?["']?\s*[:=]\s*\\?["']?)[^\s"',}\\]+`)
	keyPrefix  = regexp.MustCompile(`\b(?:sk|hf|gsk|ghp|pk|rk|xai)[-_][A-Za-z0-9_-]{6,}`)
	longHex    = regexp.MustCompile(`\b[0-9A-Fa-f]{32,}\b`)
	mailbox    = regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+`)
	longQuote  = regexp.MustCompile(`"[^"]{60,}"|“[^”]{60,}”|'[^']{60,}'`)
)

// clean returns text without what must not leave the machine.
func (r *redactor) clean(text string) string {
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, "[secret]")
	}
	text = bareAddresses(text)
	text = authScheme.ReplaceAllString(text, "$1 [secret]")
	text = assigned.ReplaceAllString(text, "$1$2[secret]")
	text = keyPrefix.ReplaceAllString(text, "[secret]")
	text = longHex.ReplaceAllString(text, "[hex]")
	text = mailbox.ReplaceAllString(text, "[mail]")
	text = longQuote.ReplaceAllString(text, "[text]")
	for _, n := range r.names {
		text = n.match.ReplaceAllLiteralString(text, n.to)
	}
	return text
}

// bareAddresses leaves scheme and host of addresses, and nothing of paths.
func bareAddresses(text string) string {
	var out strings.Builder
	at := 0
	noPaths := func(part string) string { return strings.TrimPrefix(withoutPaths(" "+part), " ") }
	for _, found := range anyURL.FindAllStringIndex(text, -1) {
		out.WriteString(noPaths(text[at:found[0]]))
		out.WriteString(bareURL(text[found[0]:found[1]]))
		at = found[1]
	}
	return out.String() + noPaths(text[at:])
}

// bareURL leaves scheme and host of an address.
func bareURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "[address]"
	}
	return u.Scheme + "://" + u.Host
}

// object writes v with every text in it cleaned.
func (r *redactor) object(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var any any
	if err := json.Unmarshal(b, &any); err != nil {
		return err
	}
	return object(w, r.value(any))
}

// value cleans the texts of a decoded JSON value.
func (r *redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.clean(v)
	case []any:
		for i := range v {
			v[i] = r.value(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = r.value(v[key])
		}
	}
	return v
}

// log writes records, one a line, oldest first.
func (r *redactor) log(w io.Writer, records []domain.LogRecord) error {
	e := json.NewEncoder(w)
	for i := len(records) - 1; i >= 0; i-- {
		record := records[i]
		attrs := map[string]string{}
		for key, text := range record.Attrs {
			attrs[key] = r.clean(text)
		}
		record.Message, record.Attrs = r.clean(record.Message), attrs
		if err := e.Encode(record); err != nil {
			return err
		}
	}
	return nil
}
