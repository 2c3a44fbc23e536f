package telemetry

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// caches names the sizes of the data caches that one core sees, such as "L1 48 KiB, L2 2 MiB, L3 32 MiB".
func caches() string {
	var out []string
	for _, c := range []struct {
		name  string
		bytes int
	}{{"L1", cpuid.CPU.Cache.L1D}, {"L2", cpuid.CPU.Cache.L2}, {"L3", cpuid.CPU.Cache.L3}} {
		switch {
		case c.bytes <= 0:
		case c.bytes%(1<<20) == 0:
			out = append(out, fmt.Sprintf("%s %d MiB", c.name, c.bytes>>20))
		default:
			out = append(out, fmt.Sprintf("%s %d KiB", c.name, c.bytes>>10))
		}
	}
	return strings.Join(out, ", ")
}

// A memory device of the SMBIOS tables, by DMTF DSP0134 3.7, section 7.18.
const (
	smbiosMemory     = 17
	smbiosSize       = 0x0c // 0: no module is in the slot
	smbiosMemoryType = 0x12
	smbiosSpeed      = 0x15 // MT/s, the most of the module; 0: not known
	smbiosConfigured = 0x20 // MT/s, in force
)

// ramModules names the memory modules, such as "2 × DDR5 5600 MT/s"; empty where the tables are missing,
// as in most virtual machines, or may not be read: they are root's.
func ramModules(tree fs.FS) string {
	count, kinds := 0, map[string]bool{}
	last := ""
	for _, name := range matches(tree, "sys/firmware/dmi/entries/17-*/raw") {
		raw, err := fs.ReadFile(tree, name)
		if err != nil || len(raw) < smbiosSpeed+2 || raw[0] != smbiosMemory {
			continue
		}
		if size := binary.LittleEndian.Uint16(raw[smbiosSize:]); size == 0 {
			continue
		}
		count++
		last = moduleKind(raw)
		kinds[last] = true
	}
	switch {
	case count == 0:
		return ""
	case len(kinds) > 1:
		return fmt.Sprintf("%d, of different kinds", count)
	case last == "":
		return fmt.Sprint(count)
	}
	return fmt.Sprintf("%d × %s", count, last)
}

func moduleKind(raw []byte) string {
	kind := map[byte]string{0x18: "DDR3", 0x1a: "DDR4", 0x1d: "LPDDR3", 0x1e: "LPDDR4", 0x22: "DDR5", 0x23: "LPDDR5"}[raw[smbiosMemoryType]]
	speed := binary.LittleEndian.Uint16(raw[smbiosSpeed:])
	if int(raw[1]) >= smbiosConfigured+2 && len(raw) >= smbiosConfigured+2 {
		if now := binary.LittleEndian.Uint16(raw[smbiosConfigured:]); now != 0 {
			speed = now
		}
	}
	if speed == 0 || speed == 0xffff {
		return kind
	}
	return strings.TrimSpace(fmt.Sprintf("%s %d MT/s", kind, speed))
}
