package config

import (
	"maps"
	"reflect"
	"slices"
)

// namedLists are lists whose items have a name: an item replaces those of the
// same name and leaves the others.
var namedLists = []string{"extraArgs", "kubeletExtraArgs", "extraEnvs", "extraVolumes"}

// addedLists are lists whose items are added to those that are there.
var addedLists = []string{"certSANs", "serverCertSANs", "peerCertSANs"}

// merge returns d with over laid upon it: maps are merged, the lists named
// above as said there, and every other value is replaced. A null gives the
// field its upstream default again.
func (d documents) merge(over documents) documents {
	merged := maps.Clone(d)
	for kind, doc := range over {
		base := d[kind]
		merged[kind] = document{kind: kind, where: doc.where, body: mergeMaps(base.body, doc.body)}
	}
	return merged
}

func mergeMaps(base, over map[string]any) map[string]any {
	merged := maps.Clone(base)
	if merged == nil {
		merged = map[string]any{}
	}
	for key, value := range over {
		if value == nil {
			delete(merged, key)
			continue
		}
		merged[key] = mergeValues(key, merged[key], value)
	}
	return merged
}

func mergeValues(key string, base, over any) any {
	switch over := over.(type) {
	case map[string]any:
		base, _ := base.(map[string]any)
		return mergeMaps(base, over)
	case []any:
		base, _ := base.([]any)
		switch {
		case slices.Contains(namedLists, key):
			return append(without(base, over), over...)
		case slices.Contains(addedLists, key):
			return append(slices.DeleteFunc(slices.Clone(base), func(item any) bool {
				return slices.ContainsFunc(over, func(o any) bool { return reflect.DeepEqual(item, o) })
			}), over...)
		}
	}
	return over
}

// without returns the items of base whose name no item of over has.
func without(base, over []any) []any {
	return slices.DeleteFunc(slices.Clone(base), func(item any) bool {
		return slices.ContainsFunc(over, func(o any) bool { return name(o) == name(item) })
	})
}

func name(item any) any {
	fields, _ := item.(map[string]any)
	return fields["name"]
}
