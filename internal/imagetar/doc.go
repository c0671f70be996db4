// Package imagetar writes a container image of one layer as a tar in the OCI
// layout, which containerd and Docker import: the boot's own images, pause and
// CoreDNS, are made by it, without an engine and without a registry.
//
// The same Image gives the same bytes on every machine, at any time.
//
// It is not for images with a base, with more layers, or for pushing anywhere.
//
// Read Image first.
package imagetar
