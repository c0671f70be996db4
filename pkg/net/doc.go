// Package hostnet is the container's own network: links, sysctls, the node's
// address, name resolution and the firewall's backend. What shall be is data,
// a [State], and one Apply makes it so, as often as it is called.
//
// It knows nothing of pods and Services: their network is made by the CNI
// plugins and kube-proxy. The only server in it is the [Forwarder], which lets
// pods use a resolver that listens on a loopback address.
//
// The directory is called net; it is imported as hostnet, as that name is
// taken. Read [State] first, then [Uplink] and [Resolver].
package hostnet
