package cgroup

import (
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
)

func TestShowsHost(t *testing.T) {
	for name, test := range map[string]struct {
		mounts string
		want   bool
	}{
		"v2 that was mounted within the namespace": {
			mountLine(30, "/", place, "cgroup2", "nsdelegate"), false,
		},
		"v2 that was mounted above the namespace": {
			mountLine(30, "/../..", place, "cgroup2", "nsdelegate"), true,
		},
		"v2 that was mounted one above the namespace": {
			mountLine(30, "/..", place, "cgroup2", ""), true,
		},
		"v2 that was mounted anew already": {
			mountLine(30, "/../..", place, "cgroup2", "") + mountLine(31, "/", place, "cgroup2", ""), false,
		},
		"v2 below a group of ours with a strange name": {
			mountLine(30, "/..x", place, "cgroup2", ""), false,
		},
		"v1": {
			mountLine(30, "/../..", place+"/memory", "cgroup", "memory"), false,
		},
		"hybrid, whose v2 nobody makes groups in": {
			mountLine(30, "/", place+"/memory", "cgroup", "memory") + mountLine(31, "/../..", place+"/unified", "cgroup2", ""), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			mounts, err := mountinfo.GetMountsFromReader(strings.NewReader(test.mounts), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := showsHost(mounts); got != test.want {
				t.Errorf("showsHost is %v for\n%s", got, test.mounts)
			}
		})
	}
}
