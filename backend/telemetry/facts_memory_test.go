package telemetry

import (
	"fmt"
	"testing"
	"testing/fstest"
)

// module is the raw table of one slot, as Linux shows it to root.
func module(sizeMiB, most, now uint16, kind byte) *fstest.MapFile {
	raw := make([]byte, 0x28)
	raw[0], raw[1], raw[smbiosMemoryType] = smbiosMemory, byte(len(raw)), kind
	for at, v := range map[int]uint16{smbiosSize: sizeMiB, smbiosSpeed: most, smbiosConfigured: now} {
		raw[at], raw[at+1] = byte(v), byte(v>>8)
	}
	return &fstest.MapFile{Data: raw}
}

func TestRAMModules(t *testing.T) {
	for want, slots := range map[string][]*fstest.MapFile{
		"":                      {},
		"2 × DDR5 5600 MT/s":    {module(16384, 6400, 5600, 0x22), module(0, 0, 0, 2), module(16384, 6400, 5600, 0x22)},
		"1 × DDR4 3200 MT/s":    {module(8192, 3200, 0, 0x1a)},
		"1 × LPDDR5":            {module(8192, 0, 0, 0x23)},
		"2, of different kinds": {module(8192, 3200, 3200, 0x1a), module(8192, 2666, 2666, 0x1a)},
		"1":                     {module(8192, 0, 0, 7)},
		"1 × DDR3 1600 MT/s":    {module(4096, 1600, 1600, 0x18), {Data: []byte{smbiosMemory, 4}}, {Data: nil}},
	} {
		tree := fstest.MapFS{}
		for i, s := range slots {
			tree[fmt.Sprintf("sys/firmware/dmi/entries/17-%d/raw", i)] = s
		}
		if got := ramModules(tree); got != want {
			t.Errorf("modules %q, want %q", got, want)
		}
	}
}
