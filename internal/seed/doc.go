// Package seed makes and plants the seed of a cluster: what every cluster of
// one image has in common, made once when the image is built, so that a boot
// need not make it again.
//
// It has two parts:
//
//   - a data directory of etcd with the objects of a cluster that has just
//     become ready: namespaces, RBAC's rules, priority classes, flow schemas,
//     service accounts, CoreDNS's objects and its pod, already bound to the
//     node;
//   - containerd's databases, as they are when the boot's images have been
//     imported. Their blobs stay where they are in the image, and the store has
//     links to them; their layers are unpacked at each boot, which without
//     hashes, compression and syncs is a copy.
//
// Nothing in the seed is secret or belongs to one container: no Secret, key,
// certificate, token, lease, address, Node or event (see the table "kept"). The
// objects' UIDs and times of creation are new in each cluster.
//
// [Save] makes the seed, inside of a container that is ready ("dnetinit seed
// save"). [Open] finds the one of the image, [Seed.Unfit] says whether the
// configuration is one that it was made for, and [Seed.PlantEtcd] and
// [Seed.PlantContainerd] put it in place, in milliseconds, where there is
// nothing yet. Without a seed, or with a configuration that it does not fit, a
// cluster boots from empty and comes to the same, a little later.
//
// The package is not for a user's cluster: it is no backup.
//
// Read Manifest first.
package seed
