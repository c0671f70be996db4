package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// reminder is how long the plain view is silent before it says what it still
// waits for.
const reminder = 30 * time.Second

// waitView shows the progress of waiting.
type waitView interface {
	show(control.Progress)
	end()
}

type silentView struct{}

func (silentView) show(control.Progress) {}
func (silentView) end()                  {}

// newWaitView returns the live view on a terminal, else the plain one.
func (e *Env) newWaitView(target string) waitView {
	width := e.Terminal()
	if width == 0 || e.Getenv("TERM") == "dumb" {
		return &plainView{changeLines: newChangeLines(target, false), out: e.Stdout}
	}
	return &liveView{changeLines: newChangeLines(target, e.Getenv("NO_COLOR") == ""), out: e.Stdout, width: width}
}

// changeLines makes one line of each change on the way to the target.
type changeLines struct {
	target string
	colour bool
	seen   map[string]supervisor.State
}

func newChangeLines(target string, colour bool) changeLines {
	return changeLines{target: target, colour: colour, seen: map[string]supervisor.State{}}
}

// next returns the lines for what p has changed. What is there already when
// waiting begins is told, too, unless all of it is.
func (c *changeLines) next(p control.Progress) []string {
	if p.Snapshot.Stopping { // that all of it goes down is no news
		return nil
	}
	units := needed(p.Snapshot, c.target)
	width := 0
	for _, u := range units {
		width = max(width, len(u.Name))
	}
	if len(c.seen) == 0 && p.Outcome == control.Reached {
		units = slices.DeleteFunc(units, func(u supervisor.Status) bool { return u.Name != c.target })
		width = len(c.target)
	}
	slices.SortStableFunc(units, func(a, b supervisor.Status) int {
		return cmp.Or(a.Since.Compare(b.Since), a.ReadyAt.Compare(b.ReadyAt))
	})
	var lines []string
	for _, u := range units {
		before := c.seen[u.Name]
		if u.State == before {
			continue
		}
		c.seen[u.Name] = u.State
		name := fmt.Sprintf("%-*s", width, u.Name)
		switch u.State {
		case supervisor.Ready:
			at := u.Since
			if before == "" { // it may have been ready before, but that is long ago
				at = u.ReadyAt
			}
			lines = append(lines, c.paint(green, "✓")+" "+name+"  "+bootlog.Seconds(at.Sub(p.Snapshot.Started)))
		case supervisor.Backoff, supervisor.Degraded, supervisor.Failed, supervisor.Stopped:
			lines = append(lines, c.paint(red, "✗")+" "+name+"  "+string(u.State)+because(u.Reason))
		default:
			if before == supervisor.Ready {
				lines = append(lines, c.paint(yellow, "…")+" "+name+"  "+string(u.State)+because(u.Reason))
			}
		}
	}
	return lines
}

// pending says what is being waited for at the moment, a line a unit.
func (c *changeLines) pending(p control.Progress) []string {
	var lines []string
	for _, u := range p.Snapshot.Blocking(c.target) {
		age := p.Snapshot.Time.Sub(u.Since).Truncate(time.Second)
		lines = append(lines, fmt.Sprintf("… %s  %s for %s%s", u.Name, u.State, age, because(u.Reason)))
	}
	return lines
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + bootlog.Clean(reason)
}

// Colours, as the parameter of the escape sequence.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (c *changeLines) paint(colour, s string) string {
	if !c.colour {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// plainView is for the log of a CI job: one line a change, no escapes.
type plainView struct {
	changeLines
	out  io.Writer
	last time.Time // when something was written
}

func (v *plainView) show(p control.Progress) {
	lines := v.next(p)
	now := p.Snapshot.Time
	if v.last.IsZero() {
		v.last = now
	}
	if len(lines) == 0 && now.Sub(v.last) >= reminder {
		lines = v.pending(p)
	}
	for _, line := range lines {
		fmt.Fprintln(v.out, line)
		v.last = now
	}
}

func (v *plainView) end() {}

// liveView is for a terminal: below the changes it keeps a block that says
// what is being waited for at the moment.
type liveView struct {
	changeLines
	out   io.Writer
	width int
	block int // lines of the block on the screen
}

func (v *liveView) show(p control.Progress) {
	var b strings.Builder
	b.WriteString(v.erase())
	for _, line := range v.next(p) {
		b.WriteString(line + "\n")
	}
	if p.Outcome == "" {
		for _, line := range v.pending(p) {
			// A line that wraps would be two, and the block could not be erased.
			if runes := []rune(line); len(runes) >= v.width {
				line = string(runes[:max(v.width-1, 0)])
			}
			b.WriteString(v.paint(yellow, line) + "\n")
			v.block++
		}
	}
	io.WriteString(v.out, b.String())
}

// erase returns what removes the block.
func (v *liveView) erase() string {
	if v.block == 0 {
		return ""
	}
	up := fmt.Sprintf("\x1b[%dA\r\x1b[J", v.block)
	v.block = 0
	return up
}

func (v *liveView) end() { io.WriteString(v.out, v.erase()) }
