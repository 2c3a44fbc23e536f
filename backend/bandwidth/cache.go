package bandwidth

import (
	"io/fs"
	"strconv"
	"strings"
)

// LastLevelCache adds up the last-level caches that the kernel lists under cpu (the folder
// /sys/devices/system/cpu), each once however many cores share it; 0 where it lists none.
func LastLevelCache(cpu fs.FS) int64 {
	level := func(name string) int { n, _ := strconv.Atoi(text(cpu, name)); return n }
	sizes, last := map[string]int64{}, 0
	dirs, err := fs.Glob(cpu, "cpu[0-9]*/cache/index[0-9]*")
	if err != nil {
		return 0
	}
	for _, d := range dirs {
		if n := level(d + "/level"); n > last {
			last = n
			clear(sizes)
		}
		if level(d+"/level") == last {
			sizes[text(cpu, d+"/shared_cpu_list")] = bytesOf(text(cpu, d+"/size"))
		}
	}
	var sum int64
	for _, n := range sizes {
		sum += n
	}
	return sum
}

// text is the content of a small file, "" when it cannot be read.
func text(fsys fs.FS, name string) string {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// bytesOf reads a size as the kernel writes it, such as 32768K; 0 when it cannot be read.
func bytesOf(s string) int64 {
	unit := int64(1)
	for suffix, n := range map[string]int64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, n
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return n * unit
}
