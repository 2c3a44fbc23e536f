package service_test

import (
	"maps"
	"testing"
)

func TestEnvironmentTellsWhatMovesTheSpeed(t *testing.T) {
	facts := map[string]string{"cpu_governor": "performance", "power_source": "mains", "libc": "glibc 2.36"}
	ids := map[string]string{}
	for _, c := range []struct{ name, key, value string }{
		{"as it is", "", ""}, {"another governor", "cpu_governor", "powersave"},
		{"on battery", "power_source", "battery"}, {"another library", "libc", "musl"},
	} {
		in(t, options{}, func(t *testing.T, w *world) {
			now := maps.Clone(facts)
			if c.key != "" {
				now[c.key] = c.value
			}
			w.sampler.facts, w.sampler.heat = now, ptr(61.25)
			env := w.finished(nil).Environment
			for key, want := range now {
				if env.Extra[key] != want {
					t.Errorf("%s: %s = %q, want %q", c.name, key, env.Extra[key], want)
				}
			}
			if x := env.Extra; x["cpu_temp_c_before"] != "61.2" || x["cpu_temp_c_after"] != "61.2" || x["power_source_after"] != now["power_source"] {
				t.Errorf("%s: before and after: %v", c.name, x)
			}
			if _, ok := env.Extra["cpu_clock_mhz_after"]; ok {
				t.Errorf("%s: a clock that nothing has read", c.name)
			}
			ids[c.name] = env.EnvID
		})
	}
	if ids["as it is"] == ids["another governor"] || ids["as it is"] == ids["on battery"] {
		t.Errorf("machines of different speed count as one: %v", ids)
	}
	if ids["as it is"] != ids["another library"] {
		t.Errorf("equal machines count as two: %v", ids)
	}
}
