package store_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/inferometer/inferometer/backend/store"
)

// smallDisk mounts a disk of memory; false where that is not allowed.
func smallDisk(t *testing.T, size string) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Logf("no small disk here: %v", err)
		return dir, false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}

// TestFullDisk fills a real small disk; where none can be mounted TestFullDatabase stands for it.
func TestFullDisk(t *testing.T) {
	dir, ok := smallDisk(t, "40m")
	if !ok {
		TestFullDatabase(t)
		return
	}
	fullDisk(t, filepath.Join(dir, "inferometer.db"), func(*store.Store) {}, true)
}

// TestOpeningOnAFullDisk gives the reserve up, so that the program starts and something can be deleted.
func TestOpeningOnAFullDisk(t *testing.T) {
	dir, ok := smallDisk(t, "24m")
	if !ok {
		TestFullDatabase(t)
		return
	}
	path := filepath.Join(dir, "inferometer.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("a"))
	if err := s.KeepReserve(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fill, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = fill.Write(make([]byte, 4096))
	}
	fill.Close()
	s = openAt(t, path)
	if !s.State().DiskFull {
		t.Error("nothing says that the disk is full")
	}
	if err := s.EraseRun(t.Context(), "a"); err == nil {
		t.Error("a run outside the trash was erased")
	}
	r, err := s.Run(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r.DeletedAt = ptr(t0())
	if err := s.UpdateRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := s.EraseRun(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
}
