package telemetry

import (
	"io/fs"
	"path"
	"strings"
)

// cgroupDirs lists the folders of this program's control group and of its parents, innermost first,
// that rule its CPU: of version 2, and of the CPU controller of version 1.
func cgroupDirs(tree fs.FS) []string { return cgroupsOf(tree, "cpu") }

// cgroupsOf is cgroupDirs for any controller. Inside a container the group's own name may not exist;
// the root that is mounted there is then the container's group.
func cgroupsOf(tree fs.FS, controller string) []string {
	var dirs []string
	for line := range strings.Lines(text(tree, "proc/self/cgroup")) {
		_, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, ok2 := strings.Cut(rest, ":")
		if !ok || !ok2 || !path.IsAbs(group) {
			continue
		}
		var mounts []string
		switch {
		case controllers == "":
			mounts = []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"}
		case hasWord(controllers, controller):
			mounts = []string{"sys/fs/cgroup/" + controllers}
			if controllers != controller {
				mounts = append(mounts, "sys/fs/cgroup/"+controller)
			}
		}
		for _, mount := range mounts {
			if found := upwards(tree, mount, group); len(found) > 0 {
				dirs = append(dirs, found...)
				break
			}
		}
	}
	return dirs
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// upwards lists the group's folder and those above it as far as they exist; none without the mount.
func upwards(tree fs.FS, mount, group string) []string {
	if _, err := fs.Stat(tree, mount+"/cgroup.procs"); err != nil {
		return nil
	}
	var dirs []string
	for group = path.Clean(group); ; group = path.Dir(group) {
		dir := path.Join(mount, group)
		if _, err := fs.Stat(tree, dir); err == nil {
			dirs = append(dirs, dir)
		}
		if group == "/" {
			return dirs
		}
	}
}
