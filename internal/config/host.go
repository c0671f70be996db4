package config

// Host is what the configuration has to know of the machine and the container.
// [Detect] finds it out.
type Host struct {
	Hostname string
	NodeIP   string // the container's address: IPv4, or IPv6 if it has nothing else
	MTU      int    // of the link with that address; 0 if it is not known

	CgroupV2      bool
	CPUController bool // there is a cgroup controller for CPU time
	SysResource   bool // CAP_SYS_RESOURCE: oom_score_adj may be lowered, limits be raised
	Nftables      bool // kube-proxy's nftables mode works; else it is iptables

	// StateOnOverlay: the state directories are on an overlay filesystem, which
	// cannot hold the upper layers of another.
	StateOnOverlay bool
}

// documents are the defaults that this host asks for. A value of the user's
// file wins over them.
func (h Host) documents() documents {
	sans := []any{}
	for _, san := range []string{h.Hostname, h.NodeIP} {
		if san != "" {
			sans = append(sans, san)
		}
	}
	args := []any{}
	if h.NodeIP != "" {
		args = append(args, map[string]any{"name": "node-ip", "value": h.NodeIP})
	}
	endpoint := map[string]any{}
	if h.NodeIP != "" {
		endpoint["advertiseAddress"] = h.NodeIP
	}
	kubelet := map[string]any{"makeIPTablesUtilChains": !h.Nftables} // kube-proxy's iptables mode is all that needs them
	proxy := map[string]any{"mode": "iptables"}
	if h.Nftables {
		proxy["mode"] = "nftables"
	}
	if !h.CPUController {
		kubelet["cpuCFSQuota"] = false
	}
	if !h.SysResource {
		// They would try in vain to make themselves hard to kill.
		kubelet["oomScoreAdj"] = int64(0)
		proxy["oomScoreAdj"] = int64(0)
	}
	return documents{
		kindInit: {where: "the host's defaults", body: map[string]any{
			"localAPIEndpoint": endpoint,
			"nodeRegistration": map[string]any{"kubeletExtraArgs": args},
		}},
		kindCluster:   {where: "the host's defaults", body: map[string]any{"apiServer": map[string]any{"certSANs": sans}}},
		kindKubelet:   {where: "the host's defaults", body: kubelet},
		kindKubeProxy: {where: "the host's defaults", body: proxy},
	}
}
