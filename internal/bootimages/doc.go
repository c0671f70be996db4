// Package bootimages knows the images that a boot needs: where they lie in the
// container's own image, what they are called, and how containerd is given them.
//
// Each is a folder in the OCI layout, not an archive, so that containerd's
// store can have its blobs by links to them (package seed) and no byte is
// there twice.
//
// The package does not make these images: package imagetar does.
//
// Read Layout first.
package bootimages
