package config

// Variables returns the environment variable of every setting.
func Variables() []string {
	var names []string
	for _, k := range keys() {
		names = append(names, k.env)
	}
	return names
}
