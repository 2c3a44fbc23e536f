package cli

import "io"

// Plain returns a writer that keeps texts of others – names, outputs, what a server says – from moving the cursor,
// changing colours or titles, or typing: every control character but line breaks, tabs and returns becomes a blank.
func Plain(w io.Writer) io.Writer { return &plain{w: w} }

type plain struct {
	w    io.Writer
	last byte
}

// Write implements io.Writer. It works byte by byte, since a sign may come in two parts.
func (p *plain) Write(b []byte) (int, error) {
	out := make([]byte, len(b))
	for i, c := range b {
		switch {
		case c < ' ' && c != '\n' && c != '\t' && c != '\r', c == 0x7f:
			out[i] = ' '
		case p.last == 0xc2 && c >= 0x80 && c < 0xa0: // the controls of eight bits, in UTF-8
			out[i] = 0xa0 // with what stands before it a blank
		default:
			out[i] = c
		}
		p.last = c
	}
	return p.w.Write(out)
}
