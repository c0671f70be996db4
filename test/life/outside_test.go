package life

import (
	"testing"

	"github.com/lyft/dockernetes/test/rig"
)

// In a network that a user has made, the container's resolver is Docker's, at
// an address that no pod can reach. Names of the outside resolve all the same.
func TestOutsideNamesResolveInAUsersNetwork(t *testing.T) {
	t.Parallel()
	inside := network(t)
	// The neighbour is the world: a DNS server that knows one name.
	world := neighbour(t, []string{"--network=" + inside, "--network-alias=neighbour"}, "dns", "shop.example=192.0.2.7")
	c := booted(t, "--network="+inside, "--dns="+address(t, world))
	c.BuildApp(t)
	n := c.Namespace(t)
	if said := n.Run(t, "asker", rig.AppImage, "/app", "lookup", "shop.example"); said != "192.0.2.7\n" {
		t.Errorf("shop.example is %q", said)
	}
	// The other containers of that network have names, too.
	if said := n.Run(t, "greeter", rig.AppImage, "/app", "lookup", "neighbour"); said != address(t, world)+"\n" {
		t.Errorf("the neighbour is %q", said)
	}
}
