package library

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxUnpacked = int64(8) << 30
	maxEntries  = 50_000
)

var errHostile = errors.New("the archive is not safe to unpack")

// unpacker writes archive entries below one folder and never outside of it.
type unpacker struct {
	root    *os.Root
	keep    func(name string) (as string, ok bool)
	left    int64 // bytes that may still be written
	entries int
}

func unpack(dest string, keep func(string) (string, bool), do func(*unpacker) error) error {
	if err := os.MkdirAll(dest, 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = root.Close() }()
	return do(&unpacker{root: root, keep: keep, left: maxUnpacked})
}

// unzip unpacks a zip or a wheel. keep chooses entries and names them; nil keeps all.
func unzip(file, dest string, keep func(string) (string, bool)) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = z.Close() }()
	return unpack(dest, keep, func(u *unpacker) error {
		for _, e := range z.File {
			name, ok, err := u.admit(e.Name)
			if err != nil {
				return err
			}
			if !ok || e.Mode().IsDir() {
				continue
			}
			if !e.Mode().IsRegular() {
				return fmt.Errorf("%w: %q is a link or a device", errHostile, e.Name)
			}
			r, err := e.Open()
			if err != nil {
				return fmt.Errorf("open archive entry: %w", err)
			}
			err = u.file(name, e.Mode(), r)
			if err = errors.Join(err, r.Close()); err != nil {
				return err
			}
		}
		return nil
	})
}

// untar unpacks a tar.gz. Links to a neighbour in the same folder are kept, as shared libraries
// have them; all others are refused.
func untar(file, dest string, keep func(string) (string, bool)) error {
	f, err := os.Open(file) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = f.Close() }()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	return unpack(dest, keep, func(u *unpacker) error {
		for r := tar.NewReader(gz); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read archive: %w", err)
			}
			if err := u.tarEntry(h, r); err != nil {
				return err
			}
		}
	})
}

func (u *unpacker) tarEntry(h *tar.Header, r io.Reader) error {
	name, ok, err := u.admit(h.Name)
	if err != nil || !ok {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return nil
	case tar.TypeReg:
		return u.file(name, h.FileInfo().Mode(), r)
	case tar.TypeSymlink:
		if h.Linkname == "" || strings.ContainsAny(h.Linkname, `/\`) || h.Linkname == ".." {
			return fmt.Errorf("%w: %q links to %q", errHostile, h.Name, h.Linkname)
		}
		if err := u.makeDir(name); err != nil {
			return err
		}
		_ = u.root.Remove(name)
		if err := u.root.Symlink(h.Linkname, name); err != nil {
			return fmt.Errorf("unpack link: %w", err)
		}
		return nil
	}
	return fmt.Errorf("%w: %q is neither file nor folder", errHostile, h.Name)
}

// admit checks an entry's name and asks keep what to do with it.
func (u *unpacker) admit(entry string) (name string, ok bool, err error) {
	if u.entries++; u.entries > maxEntries {
		return "", false, fmt.Errorf("%w: too many entries", errHostile)
	}
	name = path.Clean(strings.ReplaceAll(entry, `\`, "/"))
	if !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return "", false, fmt.Errorf("%w: %q leads outside", errHostile, entry)
	}
	if name == "." {
		return "", false, nil
	}
	if u.keep != nil {
		name, ok = u.keep(name)
		return name, ok, nil
	}
	return name, true, nil
}

func (u *unpacker) makeDir(name string) error {
	if dir := path.Dir(name); dir != "." {
		if err := u.root.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("unpack folder: %w", err)
		}
	}
	return nil
}

func (u *unpacker) file(name string, mode fs.FileMode, r io.Reader) error {
	if err := u.makeDir(name); err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	_ = u.root.Remove(name)
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return fmt.Errorf("unpack file: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, u.left+1))
	u.left -= n
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack file: %w", err)
	}
	if u.left < 0 {
		return fmt.Errorf("%w: it grows beyond %d GB", errHostile, maxUnpacked>>30)
	}
	return nil
}

// keepMembers keeps the named files, and what lies below the named folders, by base name.
func keepMembers(members []string) func(string) (string, bool) {
	if len(members) == 0 {
		return nil
	}
	return func(name string) (string, bool) {
		for _, m := range members {
			if name == m || (strings.HasSuffix(m, "/") && strings.HasPrefix(name, m)) {
				return path.Base(name), true
			}
		}
		return "", false
	}
}

// linkTwins replaces identical files of a folder by links to the one with the longest name:
// wheels cannot hold links and carry each shared library three times.
func linkTwins(dir string, hash func(string) (string, error)) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list folder: %w", err)
	}
	slices.SortStableFunc(list, func(a, b fs.DirEntry) int { return len(b.Name()) - len(a.Name()) })
	seen := map[string]string{}
	for _, e := range list {
		if !e.Type().IsRegular() || !strings.Contains(e.Name(), ".so") {
			continue
		}
		p := filepath.Join(dir, e.Name())
		sum, err := hash(p)
		if err != nil {
			return err
		}
		twin, ok := seen[sum]
		if !ok {
			seen[sum] = e.Name()
			continue
		}
		if err := os.Remove(p); err != nil {
			return fmt.Errorf("replace twin: %w", err)
		}
		if err := os.Symlink(twin, p); err != nil {
			return fmt.Errorf("replace twin: %w", err)
		}
	}
	return nil
}
