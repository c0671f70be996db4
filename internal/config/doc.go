// Package config is the configuration of the cluster: kubeadm's own documents,
// with defaults that fit one node in one container.
//
// Three layers are merged, the later over the earlier: defaults.yaml, which is
// part of the program; what the host asks for ([Host]); and the user's file.
// The result is given to kubeadm's loader, which defaults and validates it as
// "kubeadm init" does. A file that is wrong is refused here, before anything
// has started.
//
// The package writes no file and starts nothing: that is for the phases.
//
// Read [Config] first, then defaults.yaml.
package config
