package telemetry

import (
	"testing"
	"testing/fstest"
)

func TestOSName(t *testing.T) {
	for in, want := range map[string]string{
		"NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n": "Debian GNU/Linux 12 (bookworm)",
		"PRETTY_NAME='Alpine Linux v3.20'":                         "Alpine Linux v3.20",
		"PRETTY_NAME=Arch":                                         "Arch",
		"NAME=nothing":                                             "",
		"PRETTY_NAME=\"open":                                       "open",
	} {
		if got := prettyName([]byte(in)); got != want {
			t.Errorf("prettyName(%q) = %q, want %q", in, got, want)
		}
	}
	second := fstest.MapFS{"usr/lib/os-release": file(`PRETTY_NAME="Fedora Linux 44"`)}
	if got := osName(second); got != "Fedora Linux 44" {
		t.Errorf("osName = %q", got)
	}
	if got := osName(fstest.MapFS{}); got == "" {
		t.Error("no name at all")
	}
}

func TestVirtualization(t *testing.T) {
	trees := []struct {
		tree fstest.MapFS
		want string
	}{
		{fstest.MapFS{}, ""},
		{fstest.MapFS{"proc/1/cgroup": file("0::/init.scope")}, ""},
		{fstest.MapFS{".dockerenv": file("")}, "Docker"},
		{fstest.MapFS{"run/.containerenv": file("")}, "Podman"},
		{fstest.MapFS{"proc/1/cgroup": file("11:cpu:/kubepods/besteffort/pod1")}, "Kubernetes"},
		{fstest.MapFS{"proc/1/cgroup": file("1:name=systemd:/lxc/box")}, "LXC"},
	}
	for _, tt := range trees {
		if got := container(tt.tree); got != tt.want {
			t.Errorf("container = %q, want %q", got, tt.want)
		}
	}
	for _, tt := range []struct{ hypervisor, container, want string }{
		{"", "", ""}, {"KVM", "", "KVM"}, {"", "Docker", "Docker container"}, {"KVM", "Docker", "KVM, Docker container"},
	} {
		if got := virtualization(tt.hypervisor, tt.container); got != tt.want {
			t.Errorf("virtualization(%q, %q) = %q, want %q", tt.hypervisor, tt.container, got, tt.want)
		}
	}
}
