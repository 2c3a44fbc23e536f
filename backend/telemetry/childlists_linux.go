package telemetry

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// childLists are the files that tell the children of this program, one for each thread. They stay open,
// so that looking again allocates nothing.
type childLists struct {
	tasks string // the folder of the threads
	dir   *os.File
	lists map[int]*childList // by thread
	round int
	buf   [4096]byte
}

type childList struct {
	file  *procFile
	round int // in which the thread was last seen
}

// refresh opens the files of new threads and closes those of ended ones.
func (c *childLists) refresh() {
	c.round++
	if c.dir == nil {
		dir, err := os.Open(c.tasks)
		if err != nil {
			return // no such folder on this machine: there is nothing to tell
		}
		c.dir, c.lists = dir, map[int]*childList{}
	}
	fd := int(c.dir.Fd()) //nolint:gosec // descriptors are small
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return
	}
	for {
		n, err := unix.ReadDirent(fd, c.buf[:])
		if err != nil || n <= 0 {
			break
		}
		eachName(c.buf[:n], c.see)
	}
	for tid, l := range c.lists {
		if l.round != c.round {
			c.drop(tid)
		}
	}
}

// see notes a thread, by its name in the folder.
func (c *childLists) see(name []byte) {
	tid, rest, ok := nextUint(name)
	if !ok || len(rest) > 0 {
		return
	}
	l := c.lists[int(tid)] // #nosec G115 -- thread numbers fit
	if l == nil {
		file, err := openProc(filepath.Join(c.tasks, strconv.FormatUint(tid, 10), "children"), smallFile)
		if err != nil {
			return // the thread has ended
		}
		l = &childList{file: file}
		c.lists[int(tid)] = l // #nosec G115 -- as above
	}
	l.round = c.round
}

func (c *childLists) drop(tid int) {
	c.lists[tid].file.close()
	delete(c.lists, tid)
}

func (c *childLists) close() {
	for tid := range c.lists {
		c.drop(tid)
	}
	if c.dir != nil {
		_ = c.dir.Close() // opened for reading: nothing can be lost
	}
}

// eachName goes through the entries that getdents64 returns: in each its length stands at 16, its name,
// which ends with a zero, at 19.
func eachName(entries []byte, see func(name []byte)) {
	const lengthAt, nameAt = 16, 19
	for len(entries) > nameAt {
		length := int(binary.NativeEndian.Uint16(entries[lengthAt:]))
		if length <= nameAt || length > len(entries) {
			return
		}
		name, _, _ := bytes.Cut(entries[nameAt:length], []byte{0})
		see(name)
		entries = entries[length:]
	}
}
