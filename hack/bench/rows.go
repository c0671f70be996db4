package main

// row is one line of the table.
type row struct {
	key   string
	title string
	unit  string // "s", "MB" or "%"
	// against is the key of the yardstick's number of the same kind.
	against string
}

// rows are the table: what is measured.
var rows = []struct {
	title string
	rows  []row
}{
	{"A cold boot: a fresh container, from `docker run` on", []row{
		{"boot.init", "PID 1's first instruction", "s", "yardstick.ready"},
		{"boot.api", "the milestone api", "s", "yardstick.ready"},
		{"boot.node", "the milestone node", "s", "yardstick.ready"},
		{"boot.dns", "the milestone dns", "s", "yardstick.ready"},
		{"boot.ready", "the milestone ready", "s", "yardstick.ready"},
		{"boot.wait", "`dnetinit wait` returns", "s", "yardstick.ready"},
		{"boot.pod", "a user's pod answers (without the time to import its image)", "s", "yardstick.ready"},
	}},
	{"Parts of it", []row{
		{"init.ready", "PID 1's first instruction → ready", "s", "yardstick.ready"},
		{"pod", "`kubectl run` → the pod is Running and answers", "s", "yardstick.ready"},
		{"cpu.ready", "CPU time of the container, by ready", "s", "yardstick.cpu"},
		{"cpu.pod", "CPU time of the container, by the pod's answer (its image's import included)", "s", "yardstick.cpu"},
	}},
	{"`docker restart` of that container, with a pod", []row{
		{"restart.stopped", "all stopped", "s", "yardstick.ready"},
		{"restart.init", "PID 1's first instruction", "s", "yardstick.ready"},
		{"restart.ready", "the milestone ready", "s", "yardstick.ready"},
		{"restart.wait", "`dnetinit wait` returns", "s", "yardstick.ready"},
		{"restart.pod", "the pod is back and answers", "s", "yardstick.ready"},
	}},
	{"Afterwards, with no pod of a user", []row{
		{"memory.workingSet", "memory, working set", "MB", "yardstick.workingSet"},
		{"memory.pss", "memory, PSS of all processes", "MB", "yardstick.pss"},
		{"idle", "CPU when idle, of one core", "%", "yardstick.idle"},
	}},
	{"The image", []row{
		{"image.size", "as the engine counts it", "MB", ""},
		{"image.gzip", "saved and gzip'd", "MB", ""},
	}},
	{"The yardstick: etcd and kube-apiserver alone", []row{
		{"yardstick.ready", "start of etcd → /readyz", "s", ""},
		{"yardstick.cpu", "CPU time by then", "s", ""},
		{"yardstick.workingSet", "memory, working set", "MB", ""},
		{"yardstick.pss", "memory, PSS of all processes", "MB", ""},
		{"yardstick.idle", "CPU when idle, of one core", "%", ""},
	}},
	{"The machine, outside of the container", []row{
		{"others.boot", "CPUs in use during a cold boot (the engine's included)", "", ""},
		{"others.restart", "CPUs in use during a restart", "", ""},
	}},
}
