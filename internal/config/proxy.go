package config

import (
	"slices"
	"strings"
)

// noProxy returns NO_PROXY with everything that is inside the cluster added,
// in both spellings, if this container is told to use a proxy. Without it the
// components would ask the proxy for each other.
func noProxy(getenv func(string) string, c *Config) []string {
	told := func(name string) bool { return getenv(name) != "" || getenv(strings.ToLower(name)) != "" }
	if !told("HTTP_PROXY") && !told("HTTPS_PROXY") && !told("ALL_PROXY") {
		return nil
	}
	var list []string
	add := func(entries string) {
		for entry := range strings.SplitSeq(entries, ",") {
			if entry = strings.TrimSpace(entry); entry != "" && !slices.Contains(list, entry) {
				list = append(list, entry)
			}
		}
	}
	add(getenv("NO_PROXY"))
	add(getenv("no_proxy"))
	add("localhost,127.0.0.1,::1,.svc,." + c.Init.Networking.DNSDomain)
	add(c.Init.Networking.PodSubnet)
	add(c.Init.Networking.ServiceSubnet)
	add(c.NodeName())
	add(c.NodeIP())
	all := strings.Join(list, ",")
	return []string{"NO_PROXY=" + all, "no_proxy=" + all}
}
