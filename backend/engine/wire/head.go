package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	headBytes    = 2 << 10  // enough for the heads of common servers
	maxHeadBytes = 64 << 10 // largest head that is taken
)

// head is the head of an answer.
type head struct {
	status int
	minor  int // of HTTP/1.minor
	fields Header
}

// readHead reads up to the end of a final head; informational ones are passed over. buf is room to
// work in. What came after the head is returned as rest, a part of buf or of a larger copy.
func readHead(buf []byte, read func([]byte) (int, error)) (h head, rest []byte, err error) {
	w := 0
	for {
		if end := headEnd(buf[:w]); end > 0 {
			h, err = parseHead(buf[:end])
			if err != nil {
				return head{}, nil, err
			}
			if h.status >= http.StatusOK {
				return h, buf[end:w], nil
			}
			if h.status == http.StatusSwitchingProtocols {
				return head{}, nil, fmt.Errorf("%w: the server switches protocols", ErrMalformed)
			}
			w = copy(buf, buf[end:w])
			continue
		}
		if w == len(buf) {
			if w >= maxHeadBytes {
				return head{}, nil, fmt.Errorf("%w: the head is too large", ErrMalformed)
			}
			buf = append(buf, make([]byte, w)...)
		}
		n, err := read(buf[w:])
		w += n
		if n == 0 && err != nil {
			if errors.Is(err, io.EOF) && w > 0 {
				err = io.ErrUnexpectedEOF
			}
			return head{}, nil, err
		}
	}
}

// headEnd returns the length of the head with its blank line, 0 when that has not come.
func headEnd(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0
		}
		from += i + 1
		switch {
		case from < len(b) && b[from] == '\n':
			return from + 1
		case from+1 < len(b) && b[from] == '\r' && b[from+1] == '\n':
			return from + 2
		}
	}
}

// parseHead reads a whole head (RFC 9112, 4 and 5). Folded lines are refused as the standard lets
// a client do.
func parseHead(b []byte) (head, error) {
	text := string(b)
	line, text, _ := strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	var h head
	version, rest, found := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.ParseUint(code, 10, 16)
	if !found || len(code) != 3 || err != nil || status < 100 {
		return head{}, fmt.Errorf("%w: no status line", ErrMalformed)
	}
	h.status = int(status)
	switch version {
	case "HTTP/1.1":
		h.minor = 1
	case "HTTP/1.0":
	default:
		return head{}, fmt.Errorf("%w: not HTTP/1", ErrMalformed)
	}
	h.fields = make(Header, 0, strings.Count(text, "\n"))
	for {
		line, text, found = strings.Cut(text, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" || !found {
			return h, nil
		}
		name, value, colon := strings.Cut(line, ":")
		if !colon || name == "" || strings.ContainsAny(name, " \t\r\x00") {
			return head{}, fmt.Errorf("%w: a header line without a name", ErrMalformed)
		}
		h.fields = append(h.fields, Field{name, strings.Trim(value, " \t")})
	}
}

// How the end of a body is known.
type framing uint8

const (
	untilClose framing = iota
	byLength
	byChunks
)

// framing says how the body of the answer is cut (RFC 9112, 6.3), how long it is where that is
// known, and whether the connection may serve again after it.
func (h head) framing() (f framing, length uint64, keep bool, err error) {
	keep = h.minor == 1
	sized, chunked, closes := false, false, false
	for _, field := range h.fields {
		switch {
		case strings.EqualFold(field.Name, "Connection"):
			for option := range strings.SplitSeq(strings.ToLower(field.Value), ",") {
				option = strings.TrimSpace(option)
				closes = closes || option == "close"
				keep = keep || option == "keep-alive"
			}
		case strings.EqualFold(field.Name, "Content-Length"):
			n, err := strconv.ParseUint(field.Value, 10, 62)
			if err != nil || (sized && n != length) {
				return 0, 0, false, fmt.Errorf("%w: Content-Length %q", ErrMalformed, field.Value)
			}
			sized, length = true, n
		case strings.EqualFold(field.Name, "Transfer-Encoding"):
			if chunked || !strings.EqualFold(field.Value, "chunked") {
				return 0, 0, false, fmt.Errorf("%w: Transfer-Encoding %q", ErrMalformed, field.Value)
			}
			chunked = true
		}
	}
	keep = keep && !closes
	switch {
	case h.status == http.StatusNoContent || h.status == http.StatusNotModified:
		return byLength, 0, keep, nil
	case chunked: // with a length besides, nobody knows what the sender means by the rest
		return byChunks, 0, keep && !sized, nil
	case sized:
		return byLength, length, keep, nil
	}
	return untilClose, 0, false, nil
}
