package config

import (
	"fmt"
	"strings"
)

// unsupported are fields of kubeadm's that would be without effect here. To
// refuse them is better than to do something else than was asked for.
var unsupported = []struct{ kind, field, why string }{
	{kindInit, "patches", "there are no static pods to patch; use extraArgs, or the KubeletConfiguration document"},
	{kindInit, "skipPhases", "the phases of a boot are not kubeadm's"},
	{kindInit, "dryRun", "there is no dry run: take the line out"},
	{kindInit, "certificateKey", "certificates are not uploaded"},
	{kindCluster, "featureGates.RootlessControlPlane", "the control plane runs as root, in a container of its own"},
}

// refuseUnsupported names the first field of user that has no effect here.
func refuseUnsupported(source string, user documents) error {
	for _, u := range unsupported {
		doc, there := user[u.kind]
		if !there {
			continue
		}
		if isSet(doc.body, strings.Split(u.field, ".")) {
			return fmt.Errorf("cannot use %s: %s.%s is not supported: %s", doc.where, u.kind, u.field, u.why)
		}
	}
	return nil
}

func isSet(fields map[string]any, path []string) bool {
	value, there := fields[path[0]]
	if !there || len(path) == 1 {
		return there && value != nil && value != false
	}
	inner, _ := value.(map[string]any)
	return isSet(inner, path[1:])
}
