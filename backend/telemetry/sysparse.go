package telemetry

import "bytes"

// sectorBytes is the unit of /proc/diskstats, whatever the disk's own is.
const sectorBytes = 512

// parsePressure returns the µs since boot in which some task waited, of a file of /proc/pressure.
func parsePressure(data []byte) (us, none uint64, ok bool) {
	line, _ := cutLine(data)
	line, ok = bytes.CutPrefix(line, []byte("some "))
	at := bytes.LastIndex(line, []byte("total="))
	if !ok || at < 0 {
		return 0, 0, false
	}
	us, _, ok = nextUint(line[at+len("total="):])
	return us, 0, ok
}

// parseThrottled returns the µs that a control group was held back by its quota: throttled_usec of
// version 2, throttled_time in ns of version 1.
func parseThrottled(data []byte) (us, none uint64, ok bool) {
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		if rest, found := bytes.CutPrefix(line, []byte("throttled_usec ")); found {
			us, _, ok = nextUint(rest)
			return us, 0, ok
		}
		if rest, found := bytes.CutPrefix(line, []byte("throttled_time ")); found {
			us, _, ok = nextUint(rest)
			return us / 1000, 0, ok
		}
	}
	return 0, 0, false
}

// parseSwapped returns the pages swapped in and out since boot, of /proc/vmstat.
func parseSwapped(data []byte) (in, out uint64, ok bool) {
	at := bytes.Index(data, []byte("\npswpin "))
	if at < 0 {
		return 0, 0, false
	}
	line, rest := cutLine(data[at+len("\npswpin "):])
	in, _, ok = nextUint(line)
	rest, follows := bytes.CutPrefix(rest, []byte("pswpout "))
	if !ok || !follows {
		return 0, 0, false
	}
	out, _, ok = nextUint(rest)
	return in, out, ok
}

// parseDisks sums the bytes read from and written to whole disks since boot, of /proc/diskstats; ok is
// false when it lists none.
func parseDisks(data []byte) (read, written uint64, ok bool) {
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		_, line, major := nextUint(line)
		_, line, minor := nextUint(line)
		line = bytes.TrimLeft(line, " ")
		name, fields, named := bytes.Cut(line, []byte(" "))
		if !major || !minor || !named || !wholeDisk(name) {
			continue
		}
		// reads, merged, sectors read, ms, writes, merged, sectors written
		var v [7]uint64
		fine := true
		for i := range v {
			if v[i], fields, fine = nextUint(fields); !fine {
				break
			}
		}
		if fine {
			read, written, ok = read+v[2]*sectorBytes, written+v[6]*sectorBytes, true
		}
	}
	return read, written, ok
}

// wholeDisk tells disks from their partitions and from what is stacked upon them (dm, md, loop, zram),
// which would count the same bytes twice.
func wholeDisk(name []byte) bool {
	for _, prefix := range [...]string{"sd", "vd", "xvd", "hd", "dasd"} { // then letters alone
		if rest, ok := cutName(name, prefix); ok {
			return len(rest) > 0 && len(bytes.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz")) == 0
		}
	}
	if rest, ok := cutName(name, "mmcblk"); ok {
		return isDigits(rest)
	}
	rest, ok := cutName(name, "nvme")
	at := bytes.IndexByte(rest, 'n')
	return ok && at > 0 && isDigits(rest[:at]) && isDigits(rest[at+1:])
}

func isDigits(b []byte) bool { return len(b) > 0 && len(bytes.TrimLeft(b, "0123456789")) == 0 }

// cutName is bytes.CutPrefix for a string, without a copy of it.
func cutName(name []byte, prefix string) (rest []byte, ok bool) {
	if len(name) < len(prefix) || string(name[:len(prefix)]) != prefix {
		return name, false
	}
	return name[len(prefix):], true
}

// parseNet sums the bytes that network interfaces have received and sent, of /proc/net/dev; ok is
// false when it lists none that counts.
func parseNet(data []byte) (rx, tx uint64, ok bool) {
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		name, fields, named := bytes.Cut(line, []byte(":"))
		if name = bytes.TrimLeft(name, " "); !named || !ownTraffic(name) {
			continue
		}
		// received: bytes, packets, errors, drops, fifo, frame, compressed, multicast; sent: bytes
		var v [9]uint64
		fine := true
		for i := range v {
			if v[i], fields, fine = nextUint(fields); !fine {
				break
			}
		}
		if fine {
			rx, tx, ok = rx+v[0], tx+v[8], true
		}
	}
	return rx, tx, ok
}

// ownTraffic leaves out loopback and the interfaces whose bytes pass through another one as well:
// bridges, their ports, and tunnels.
func ownTraffic(name []byte) bool {
	if string(name) == "lo" {
		return false
	}
	for _, prefix := range [...]string{
		"veth", "docker", "br-", "virbr", "vnet", "cni", "ifb", "dummy", "tun", "tap", "wg", "tailscale",
	} {
		if _, ok := cutName(name, prefix); ok {
			return false
		}
	}
	return true
}

// parseMajorFaults returns the major page faults of a process, of /proc/PID/stat. Its name, in
// parentheses, may itself hold blanks and parentheses.
func parseMajorFaults(data []byte) (faults uint64, ok bool) {
	at := bytes.LastIndexByte(data, ')')
	if at < 0 {
		return 0, false
	}
	rest := bytes.TrimLeft(data[at+1:], " ")
	const before = 9 // state, ppid, pgrp, session, tty, tpgid, flags, minflt, cminflt
	for range before {
		if _, rest, ok = bytes.Cut(rest, []byte(" ")); !ok {
			return 0, false
		}
	}
	faults, _, ok = nextUint(rest)
	return faults, ok
}

// parseNumber returns the one number of a small file.
func parseNumber(data []byte) (v uint64, ok bool) {
	v, _, ok = nextUint(data)
	return v, ok
}

// battery is what the uevent file of a power supply tells; rates are in micro-units.
type battery struct {
	isBattery, ofDevice, discharging bool
	power, current, voltage          uint64
}

func parseBattery(data []byte) (b battery) {
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		line, ok := cutName(line, "POWER_SUPPLY_")
		key, value, found := bytes.Cut(line, []byte("="))
		if !ok || !found {
			continue
		}
		switch string(key) {
		case "TYPE":
			b.isBattery = string(value) == "Battery"
		case "SCOPE": // the battery of a mouse, for one
			b.ofDevice = string(value) == "Device"
		case "STATUS":
			b.discharging = string(value) == "Discharging"
		case "POWER_NOW":
			b.power = magnitude(value)
		case "CURRENT_NOW":
			b.current = magnitude(value)
		case "VOLTAGE_NOW":
			b.voltage = magnitude(value)
		}
	}
	return b
}

// magnitude is a number without its sign: some drivers tell a discharge as negative. 0 when there is
// none.
func magnitude(value []byte) uint64 {
	if len(value) > 0 && value[0] == '-' {
		value = value[1:]
	}
	v, _, _ := nextUint(value)
	return v
}

// watts is what leaves the battery; false when its driver does not tell.
func (b battery) watts() (float64, bool) {
	if b.power > 0 {
		return float64(b.power) / 1e6, true
	}
	w := float64(b.current) / 1e6 * float64(b.voltage) / 1e6
	return w, w > 0
}
