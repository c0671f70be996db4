package notify

import (
	"strconv"
	"strings"
	"unicode"
)

// Message is what a service told, in one datagram or in several that nobody
// had read in between.
type Message struct {
	Ready     bool   // it has started, or is done with reloading
	Reloading bool   // it is busy until the next Ready
	Stopping  bool   // it is about to end
	Watchdog  bool   // it is alive
	Status    string // in one line, for people; "" if it said nothing
	MainPID   int    // the process to watch from now on; 0 if it said nothing
	PID       int    // of the (last) sender
}

// parse reads a datagram. Unknown and broken lines are ignored, as the protocol
// grows. ok is false if nothing is left.
func parse(text string) (m Message, ok bool) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch name {
		case "READY":
			m.Ready = value == "1"
		case "RELOADING":
			m.Reloading = value == "1"
		case "STOPPING":
			m.Stopping = value == "1"
		case "WATCHDOG":
			m.Watchdog = value == "1"
		case "STATUS":
			m.Status = printable(value)
		case "MAINPID":
			if pid, err := strconv.Atoi(value); err == nil && pid > 0 {
				m.MainPID = pid
			}
		}
	}
	return m, m != Message{}
}

// then returns what m and a later message say together. Of being ready,
// reloading and stopping the later one counts.
func (m Message) then(later Message) Message {
	both := later
	both.Watchdog = m.Watchdog || later.Watchdog
	if !later.Ready && !later.Reloading && !later.Stopping {
		both.Ready, both.Reloading, both.Stopping = m.Ready, m.Reloading, m.Stopping
	}
	if later.Status == "" {
		both.Status = m.Status
	}
	if later.MainPID == 0 {
		both.MainPID = m.MainPID
	}
	return both
}

// printable leaves out what would play tricks with a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
