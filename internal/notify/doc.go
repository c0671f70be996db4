// Package notify receives what services tell about themselves in the way of
// sd_notify: READY=1 and the like, as datagrams to a unix socket whose path
// they find in $NOTIFY_SOCKET. And it sends such datagrams, to tell whoever
// runs this container.
//
// Each service has a socket of its own, so that nobody is mistaken for another,
// and each sender is asked about by its pid, which the kernel vouches for.
// What the messages mean for a service is not decided here.
//
// Not supported, and ignored: descriptors (FDSTORE=1 and BARRIER=1; they are
// closed at once, which is what a barrier waits for), EXTEND_TIMEOUT_USEC.
//
// Read [Listen] first, then [Message].
package notify
