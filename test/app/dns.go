package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/miekg/dns"
)

// serveDNS answers for the names that it is given and refuses all others: an
// outside world that a test has in its hand.
func serveDNS(args []string) error {
	addresses := map[string]net.IP{}
	for _, arg := range args {
		name, address, _ := strings.Cut(arg, "=")
		ip := net.ParseIP(address)
		if ip == nil {
			return fmt.Errorf("%q is not NAME=ADDRESS", arg)
		}
		addresses[dns.Fqdn(name)] = ip
	}
	dns.HandleFunc(".", func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetReply(query)
		for _, question := range query.Question {
			ip, known := addresses[strings.ToLower(question.Name)]
			switch {
			case !known:
				answer.Rcode = dns.RcodeNameError
			case question.Qtype == dns.TypeA:
				header := dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}
				answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: ip})
			}
		}
		w.WriteMsg(answer)
	})
	failed := make(chan error, 2)
	for _, network := range []string{"udp", "tcp"} {
		go func() { failed <- dns.ListenAndServe(":53", network, nil) }()
	}
	return <-failed
}
