// Package imageguard keeps the images that Kubernetes needs from being deleted by Docker.
//
// The kubelet and dockerd share one image store, containerd's namespace k8s.io. dockerd takes every image there for
// its own: `docker system prune -a`, `docker image prune -a` and `docker rmi` delete the records of images that only
// pods use, and of the boot's own. A pod that then has to restart a container finds no image, and where none can be
// pulled (imagePullPolicy Never, no registry, the boot images' names that no registry serves) it stays down.
// dockerd has no way to exclude an image from that, so the guard mends it afterwards, in two parts:
//
//   - a lease in containerd holds the content and snapshots of each image that is needed, so that the garbage
//     collection which ends a prune leaves them where they are;
//   - when the record of a needed image is deleted, the guard creates it again, as it was.
//
// Needed are the boot images, and the images of all the containers of the CRI, running or not, under the name that the
// pod gave. Any other image goes when Docker says so, and an image stops being needed when its last pod is gone.
//
// The package is not for what Docker's own containers use: dockerd looks after those, and the kubelet, which might
// collect them, is configured not to collect images.
//
// Read Guard first, then inventory, which decides everything and talks to nobody.
package imageguard
