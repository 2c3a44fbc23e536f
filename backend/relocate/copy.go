package relocate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// partSuffix is that of a file that is being copied.
const partSuffix = ".moving"

// stays names what belongs to a place or to a process and not to the data.
func stays(rel string) bool {
	switch rel {
	case "lock", "server.json", "tmp", pointerName, planName, receiptName, copiedName:
		return true
	}
	top := !strings.ContainsRune(rel, filepath.Separator)
	note, _ := filepath.Match("engine-*.json", rel)
	return top && (note || strings.HasSuffix(rel, "-shm") || strings.HasSuffix(rel, ".new") || strings.HasSuffix(rel, partSuffix))
}

// late is what the running program writes to: it is copied by the next start.
func late(rel string, dir bool) bool {
	return rel == "logs" || !dir && !strings.ContainsRune(rel, filepath.Separator)
}

// item is one file or link of the data.
type item struct {
	rel  string
	info fs.FileInfo
}

// list names what there is to copy below a folder; live leaves out what changes while the program runs.
func list(ctx context.Context, root string, live bool) (items []item, dirs []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err := errors.Join(ignoreMissing(err), ctx.Err()); err != nil {
			return err
		}
		rel, rerr := filepath.Rel(root, path)
		switch {
		case err != nil || rerr != nil || rel == ".": // gone meanwhile
			return rerr
		case stays(rel) || live && late(rel, d.IsDir()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			dirs = append(dirs, rel)
			return nil
		}
		info, err := d.Info()
		if err == nil && (info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0) { // a socket or pipe is no data
			items = append(items, item{rel, info})
		}
		return ignoreMissing(err)
	})
	return items, dirs, err
}

func total(items []item) (bytes int64) {
	for _, i := range items {
		if i.info.Mode().IsRegular() {
			bytes += i.info.Size()
		}
	}
	return bytes
}

// copier copies items from one folder to another and tells how many bytes are there.
type copier struct {
	from, to string
	copied   func(rel string) error // before a file gets its name
	done     func(bytes int64)
}

// all copies what is not there yet.
func (c copier) all(ctx context.Context, items []item, dirs []string) error {
	for _, rel := range dirs {
		if err := c.folder(rel); err != nil {
			return err
		}
	}
	for _, i := range items {
		if err := c.one(ctx, i); err != nil {
			return fmt.Errorf("copy %s: %w", i.rel, err)
		}
	}
	slices.Reverse(dirs)
	for _, rel := range dirs {
		if err := syncDir(filepath.Join(c.to, rel)); err != nil {
			return err
		}
	}
	return syncDir(c.to)
}

func (c copier) folder(rel string) error {
	path := filepath.Join(c.to, rel)
	if err := os.Mkdir(path, 0o700); err == nil {
		return c.copied(rel)
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

// one copies one item. A file that has size and time of the first was read back when it got them.
func (c copier) one(ctx context.Context, i item) error {
	target := filepath.Join(c.to, i.rel)
	if i.info.Mode()&fs.ModeSymlink != 0 {
		return c.link(i.rel, target)
	}
	if there, err := os.Lstat(target); err == nil && there.Mode().IsRegular() && there.Size() == i.info.Size() && there.ModTime().Equal(i.info.ModTime()) {
		c.done(i.info.Size())
		return nil
	}
	if err := c.copied(i.rel); err != nil {
		return err
	}
	part := target + partSuffix
	err := c.file(ctx, i, part)
	if err == nil {
		err = os.Rename(part, target)
	}
	if err != nil {
		return errors.Join(ignoreMissing(err), ignoreMissing(os.Remove(part))) // a file that is gone meanwhile is none
	}
	return nil
}

func (c copier) file(ctx context.Context, i item, part string) error {
	in, err := os.Open(filepath.Join(c.from, i.rel))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR|os.O_TRUNC, i.info.Mode().Perm()&0o700|0o600) // #nosec G304 -- below the folder that was chosen
	if err != nil {
		return err
	}
	defer out.Close() // closed below; this is for the ways out before
	read, back := sha256.New(), sha256.New()
	if _, err := io.Copy(out, &source{ctx, in, read, c.done}); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, &source{ctx, out, back, func(int64) {}}); err != nil {
		return err
	}
	if !slices.Equal(read.Sum(nil), back.Sum(nil)) {
		return errDiffers
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(part, i.info.ModTime(), i.info.ModTime())
}

// errDiffers says that a copy does not hold what was written.
var errDiffers = domain.Errorf(domain.KindUnavailable, "A copy does not hold what was written: the disk may be broken.")

// source is a reader that ctx ends, that adds to a sum, and that tells how much was read.
type source struct {
	ctx  context.Context //nolint:containedctx // io.Reader has no place for it
	r    io.Reader
	sum  hash.Hash
	told func(int64)
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	_, _ = s.sum.Write(p[:n]) // never fails
	s.told(int64(n))
	return n, err
}

// link makes a link anew: one to something within the data leads to its copy, any other to where it led.
func (c copier) link(rel, target string) error {
	text, err := os.Readlink(filepath.Join(c.from, rel))
	if err != nil {
		return ignoreMissing(err)
	}
	dest := text
	if !filepath.IsAbs(dest) {
		dest = filepath.Join(c.from, filepath.Dir(rel), dest)
	}
	if inner, err := filepath.Rel(c.from, dest); err == nil && filepath.IsLocal(inner) {
		if dest, err = filepath.Rel(filepath.Dir(target), filepath.Join(c.to, inner)); err != nil {
			return err
		}
	}
	if now, err := os.Readlink(target); err == nil && now == dest {
		return nil
	}
	if err := c.copied(rel); err != nil {
		return err
	}
	if err := ignoreMissing(os.Remove(target)); err != nil {
		return err
	}
	return os.Symlink(dest, target)
}
