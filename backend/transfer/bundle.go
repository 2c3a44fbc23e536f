package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// A bundle is a zip archive that any program can open: each run as a file of its own, and manifest.json
// with the checksum of every file and the public key of who made it. The comment at the very end of the
// archive is an Ed25519 signature over every byte before it, so that no byte can change unnoticed.

const (
	manifestName    = "manifest.json"
	bundleVersion   = 1
	mostManifest    = 16 << 20
	mostRunBytes    = 8 << 30 // of one unpacked run
	mostRatio       = 1000    // unpacked bytes for one packed: more is a bomb
	signatureLength = len(signaturePrefix) + 44 + 1 + 88
	signaturePrefix = "inferometer ed25519 "
)

var bundleEntry = regexp.MustCompile(`^runs/[A-Za-z0-9-]{1,64}\.jsonl$`)

// Manifest says what a bundle holds.
type Manifest struct {
	Format    string         `json:"format"`
	Version   int            `json:"version"`
	App       string         `json:"app"`
	CreatedAt time.Time      `json:"created_at"`
	PublicKey string         `json:"public_key"` // Ed25519, base64
	Files     []ManifestFile `json:"files"`
}

// ManifestFile is one file of a bundle.
type ManifestFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Bundle writes a bundle as a stream.
type Bundle struct {
	zip  *zip.Writer
	tail *tail
	key  ed25519.PrivateKey
	man  Manifest
}

// NewBundle begins a bundle that key signs.
func NewBundle(w io.Writer, app string, at time.Time, key ed25519.PrivateKey) *Bundle {
	t := &tail{w: w, sum: sha512.New(), keep: signatureLength}
	return &Bundle{zip: zip.NewWriter(t), tail: t, key: key, man: Manifest{Format: "inferometer-bundle", Version: bundleVersion,
		App: app, CreatedAt: at.UTC(), PublicKey: base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), Files: []ManifestFile{}}}
}

// Run adds one run; write writes its file.
func (b *Bundle) Run(id domain.RunID, write func(io.Writer) error) error {
	name := "runs/" + string(id) + ".jsonl"
	if !bundleEntry.MatchString(name) {
		return fmt.Errorf("a run's id is no file name")
	}
	w, err := b.create(name)
	if err != nil {
		return err
	}
	sum := &summed{w: w, sum: sha256.New()}
	if err := write(sum); err != nil {
		return err
	}
	b.man.Files = append(b.man.Files, ManifestFile{Name: name, Bytes: sum.n, SHA256: hex.EncodeToString(sum.sum.Sum(nil))})
	return nil
}

func (b *Bundle) create(name string) (io.Writer, error) {
	return b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: b.man.CreatedAt})
}

// Close writes the manifest and signs the whole.
func (b *Bundle) Close() error {
	w, err := b.create(manifestName)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b.man); err != nil {
		return err
	}
	// The length of the comment is signed too, so that it must stand there before it is known.
	if err := b.zip.SetComment(strings.Repeat(" ", signatureLength)); err != nil {
		return err
	}
	if err := b.zip.Close(); err != nil {
		return err
	}
	signature := ed25519.Sign(b.key, b.tail.sum.Sum(nil))
	_, err = io.WriteString(b.tail.w, signaturePrefix+b.man.PublicKey+" "+base64.StdEncoding.EncodeToString(signature))
	return err
}

// summed counts and sums what is written.
type summed struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (s *summed) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	s.sum.Write(p[:n])
	return n, err
}

// tail passes on and sums all but the last bytes that are written to it.
type tail struct {
	w    io.Writer
	sum  hash.Hash
	keep int
	held []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.held = append(t.held, p...)
	if n := len(t.held) - t.keep; n > 0 {
		t.sum.Write(t.held[:n])
		if _, err := t.w.Write(t.held[:n]); err != nil {
			return 0, err
		}
		t.held = append(t.held[:0], t.held[n:]...)
	}
	return len(p), nil
}

// IsBundle reports whether a file begins as an archive.
func IsBundle(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// Fingerprint names a public key in a form that people can compare.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Opened is a bundle whose signature and checksums have been found right.
type Opened struct {
	Manifest Manifest
	Signer   string // fingerprint of the key that signed it
	files    []*zip.File
}

// OpenBundle verifies a bundle from end to end before anything of it is used. One that was changed, is
// broken or holds what no bundle holds is KindInvalid.
func OpenBundle(r io.ReaderAt, size int64) (*Opened, error) {
	signed, err := verify(r, size)
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, bad("The archive cannot be read.")
	}
	byName := map[string]*zip.File{}
	for _, f := range z.File {
		if byName[f.Name] != nil || f.Name != manifestName && !bundleEntry.MatchString(f.Name) {
			return nil, bad("The archive holds a file that no bundle holds.")
		}
		byName[f.Name] = f
	}
	o := &Opened{Signer: Fingerprint(signed)}
	if err := readManifest(byName[manifestName], &o.Manifest); err != nil {
		return nil, err
	}
	if o.Manifest.PublicKey != base64.StdEncoding.EncodeToString(signed) {
		return nil, bad("The bundle names another key than the one that signed it.")
	}
	if len(o.Manifest.Files) != len(z.File)-1 {
		return nil, bad("The bundle does not hold the files that it names.")
	}
	for _, m := range o.Manifest.Files {
		f := byName[m.Name]
		if f == nil {
			return nil, bad("The bundle does not hold the files that it names.")
		}
		if err := checkFile(f, m); err != nil {
			return nil, err
		}
		o.files = append(o.files, f)
	}
	return o, nil
}

// verify checks the signature over all but the comment and returns the key that made it.
func verify(r io.ReaderAt, size int64) (ed25519.PublicKey, error) {
	if size <= int64(signatureLength) {
		return nil, bad("The archive is too short for a bundle.")
	}
	comment := make([]byte, signatureLength)
	if _, err := r.ReadAt(comment, size-int64(signatureLength)); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	text, ok := strings.CutPrefix(string(comment), signaturePrefix)
	if !ok {
		return nil, bad("The archive is not signed: it is no bundle of Inferometer, or was cut off.")
	}
	keyText, signatureText, _ := strings.Cut(text, " ")
	key, keyErr := base64.StdEncoding.Strict().DecodeString(keyText)
	signature, err := base64.StdEncoding.Strict().DecodeString(signatureText)
	if keyErr != nil || err != nil || len(key) != ed25519.PublicKeySize {
		return nil, bad("The signature of the bundle is broken.")
	}
	sum := sha512.New()
	if _, err := io.Copy(sum, io.NewSectionReader(r, 0, size-int64(signatureLength))); err != nil {
		return nil, err
	}
	if !ed25519.Verify(key, sum.Sum(nil), signature) {
		return nil, bad("The bundle was changed after it was signed.")
	}
	return key, nil
}

func readManifest(f *zip.File, m *Manifest) error {
	if f == nil {
		return bad("The archive has no manifest: it is no bundle.")
	}
	r, err := f.Open()
	if err != nil {
		return bad("The manifest cannot be read.")
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, mostManifest+1))
	if err != nil || len(data) > mostManifest || json.Unmarshal(data, m) != nil || m.Format != "inferometer-bundle" {
		return bad("The manifest cannot be read.")
	}
	if m.Version > bundleVersion {
		return bad("This bundle was written by a newer Inferometer (" + clip(m.App, 40) + ").")
	}
	return nil
}

// checkFile unpacks a file to nowhere and compares it with the manifest, within bounds: an archive can
// promise little and unpack to much.
func checkFile(f *zip.File, m ManifestFile) error {
	if m.Bytes < 0 || m.Bytes > mostRunBytes || m.Bytes > int64(f.CompressedSize64)*mostRatio+1<<20 { // #nosec G115 -- a size that does not fit is refused by what stands before it or by its sign
		return bad("A file of the bundle is too large.")
	}
	r, err := f.Open()
	if err != nil {
		return bad("A file of the bundle cannot be read.")
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, m.Bytes+1))
	if err != nil || n != m.Bytes || hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return bad("A file of the bundle is not what its checksum says.")
	}
	return nil
}

// Read hands out the runs of the bundle.
func (o *Opened) Read(ctx context.Context, to Sink) error {
	for _, f := range o.files {
		if err := readRun(ctx, f, to); err != nil {
			return err
		}
	}
	return nil
}

func readRun(ctx context.Context, f *zip.File, to Sink) error {
	r, err := f.Open()
	if err != nil {
		return bad("A file of the bundle cannot be read.")
	}
	defer r.Close()
	return ReadNative(ctx, r, to)
}
