package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"testing"
)

// cutter is a body that comes in pieces of one size.
type cutter struct {
	raw  []byte
	size int
}

func (c *cutter) next(p []byte) int {
	n := copy(p[:min(len(p), c.size)], c.raw)
	c.raw = c.raw[n:]
	return n
}

// decodeAll takes the framing off, as it comes in pieces.
func decodeAll(raw []byte, size int) (content []byte, done bool, err error) {
	var c chunks
	from := cutter{raw, size}
	buf := make([]byte, 64)
	for c.state != chunkDone {
		n := from.next(buf)
		if n == 0 {
			return content, false, nil
		}
		m, used, err := c.decode(buf[:n])
		content = append(content, buf[:m]...)
		if err != nil {
			return content, false, err
		}
		if used < n && c.state != chunkDone {
			return content, false, errors.New("bytes were passed over")
		}
	}
	return content, true, nil
}

// FuzzChunks: whatever the standard library reads, this reads alike, and however it is cut.
func FuzzChunks(f *testing.F) {
	for _, s := range []string{
		"3\r\nabc\r\n0\r\n\r\n", "1;a=b\r\nx\r\n00\r\nT: v\r\n\r\n", "3\nabc\n0\n\n", "ff\r\nshort", "x\r\n", "\r\n", "0\r\n\r\nrest",
		"1 \r\na\r\nA\r\n0123456789\r\n0\r\n\r\n", "fffffffffffffffff\r\n", "2\r\nabc\r\n0\r\n\r\n", "1\r\na\r\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		content, done, err := decodeAll(raw, len(raw)+1)
		for _, size := range []int{1, 2, 7} {
			got, gotDone, gotErr := decodeAll(raw, size)
			if !bytes.Equal(got, content) || gotDone != done || (gotErr == nil) != (err == nil) {
				t.Errorf("cut by %d: %q %v %v, whole: %q %v %v", size, got, gotDone, gotErr, content, done, err)
			}
		}
		// The library leaves the trailers to its caller.
		want, wantErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw)))
		if wantErr == nil && (err != nil || !bytes.Equal(content, want)) {
			t.Errorf("%q: %q %v, the library reads %q", raw, content, err, want)
		}
	})
}

// FuzzHead: a head that this and the standard library take is read alike, and however it is cut.
func FuzzHead(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.0 404 \r\n\r\n", "HTTP/1.1 200\r\nA:b\r\nA: c \r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 99 x\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	read := func(raw []byte, size int) (head, string, error) {
		from := cutter{raw, size}
		h, rest, err := readHead(make([]byte, 64), func(p []byte) (int, error) {
			n := from.next(p)
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		})
		return h, string(rest) + string(from.raw), err
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, rest, err := read(raw, len(raw)+1)
		cut, cutRest, cutErr := read(raw, 1)
		if (err == nil) != (cutErr == nil) || h.status != cut.status || len(h.fields) != len(cut.fields) || (err == nil && rest != cutRest) {
			t.Errorf("whole %+v %q %v, cut %+v %q %v", h, rest, err, cut, cutRest, cutErr)
		}
		if err != nil || h.status < 200 || bytes.HasPrefix(raw, []byte("HTTP/1.1 1")) {
			return
		}
		if len(rest) > len(raw) || !bytes.HasSuffix(raw, []byte(rest)) {
			t.Errorf("rest %q of %q", rest, raw)
		}
		compare(t, raw, h)
	})
}

// compare holds a head against what the standard library reads.
func compare(t *testing.T, raw []byte, h head) {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != h.status {
		t.Errorf("%q: status %d, the library reads %d", raw, h.status, res.StatusCode)
	}
	for _, name := range []string{"Content-Type", "Retry-After", "Server", "A"} {
		if got, want := h.fields.Get(name), res.Header.Get(name); got != want {
			t.Errorf("%q: %s = %q, the library reads %q", raw, name, got, want)
		}
	}
	framing, length, keep, err := h.framing()
	if err != nil || h.status == http.StatusNoContent || h.status == http.StatusNotModified {
		return
	}
	chunked := len(res.TransferEncoding) > 0
	if h.minor == 1 && (framing == byChunks) != chunked {
		t.Errorf("%q: framing %d, the library reads %v", raw, framing, res.TransferEncoding)
	}
	if framing == byLength && strconv.FormatUint(length, 10) != strconv.FormatInt(res.ContentLength, 10) {
		t.Errorf("%q: length %d, the library reads %d", raw, length, res.ContentLength)
	}
	if keep && h.minor == 1 && strings.EqualFold(res.Header.Get("Connection"), "close") {
		t.Errorf("%q is kept, though it says to close", raw)
	}
}
