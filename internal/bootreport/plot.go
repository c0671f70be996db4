package bootreport

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// The picture's measures, in pixels.
const (
	width     = 1240.0
	left      = 190.0 // where the time axis begins
	right     = 70.0  // behind its end, for the last label
	headTop   = 110.0 // below title and legend
	cpuHeight = 150.0
	mileRows  = 30.0 // names of the milestones, between CPU and units
	rowHeight = 21.0
	barHeight = 13.0
	maxPoints = 300 // across, of the CPU's curves
)

// Plot writes the boot as an SVG picture: the CPU's use above, and below it
// each unit from its beginning until it was ready. It follows the reader's
// light or dark scheme.
func (r Record) Plot(w io.Writer) error {
	p := &plot{Record: r, until: r.plotEnd(), top: headTop + cpuHeight + mileRows}
	chain, _ := r.Chain(Goal)
	p.chain = chain
	for _, u := range byBegin(r.Units) {
		if u.Begun != 0 && u.Begun < p.until {
			p.rows = append(p.rows, u)
		}
	}
	p.height = p.top + float64(len(p.rows))*rowHeight + 34
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img">`, width, p.height, width, p.height)
	p.put("<title>%s</title>", escape(p.headline()))
	p.put("<style>%s</style>", style)
	p.put(`<rect class="back" width="%.0f" height="%.0f"/>`, width, p.height)
	p.head()
	p.stripes()
	p.grid()
	p.cpu()
	p.milestones()
	p.links()
	for i, u := range p.rows {
		p.unit(i, u)
	}
	p.put("</svg>")
	_, err := io.WriteString(w, p.out.String())
	return err
}

// plotEnd is where the time axis ends: when the last unit was ready, unless
// that is long after the boot.
func (r Record) plotEnd() Offset {
	goal := r.end()
	end := goal
	for _, u := range r.Units {
		end = max(end, u.Ready)
		if u.Begun != 0 && u.Ready == 0 {
			end = r.Until
		}
	}
	return max(Offset(time.Millisecond), min(end, goal*3/2)) * 51 / 50
}

type plot struct {
	Record
	out    strings.Builder
	until  Offset
	top    float64 // of the first row
	height float64
	rows   []Unit
	chain  []Link
}

func (p *plot) put(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

func (p *plot) x(at Offset) float64 {
	return left + float64(min(at, p.until))/float64(p.until)*(width-left-right)
}

// y is the middle of a row.
func (p *plot) y(row int) float64 { return p.top + (float64(row)+.5)*rowHeight }

func (p *plot) headline() string {
	name := "Kubernetes"
	if v := p.Versions["kubernetes"]; v != "" {
		name += " " + v
	}
	if u, _ := p.Unit(Goal); u.Ready == 0 {
		return fmt.Sprintf("%s not ready after %s", name, p.Until)
	}
	return fmt.Sprintf("%s ready after %s", name, p.end())
}

// head has the title, what one has to know, and the legend.
func (p *plot) head() {
	p.put(`<text class="title" x="20" y="32">%s</text>`, escape(p.headline()))
	others := p.OthersCPU()
	p.put(`<text class="sub" x="20" y="51">%s · dnetinit %s · since PID 1's first instruction · %d CPUs · %.2f CPU-seconds by then, %.2f outside of the container meanwhile</text>`,
		p.Zero.UTC().Format("2006-01-02 15:04:05 MST"), escape(cmp.Or(p.Versions["dnetinit"], "(no version)")), p.CPUs, p.CPUSeconds(), others)
	p.legend()
}

// legend names the colours, on two lines, with the CPU time of each.
func (p *plot) legend() {
	x, y := 20.0, 73.0
	entry := func(mark, label string) {
		length := 26 + 5.9*float64(len(label))
		if x+length > width {
			x, y = 20, y+18
		}
		p.put(`<g transform="translate(%.1f %.1f)">%s<text class="tick" x="15">%s</text></g>`, x, y, mark, escape(label))
		x += length
	}
	for _, l := range p.layers() {
		entry(`<rect class="`+l.class+`" y="-9" width="10" height="10" rx="2"/>`, fmt.Sprintf("%s %.2f s", l.name, p.used(l.count, 0, p.end())))
	}
	entry(`<rect class="init crit" y="-9" width="10" height="10" rx="2"/>`, "decided the time")
	entry(`<path class="diamond" d="M5 -9.5l5.5 5.5-5.5 5.5-5.5-5.5z"/>`, "milestone")
	for _, e := range p.Events {
		if failure(e) {
			entry(`<circle class="fail" cx="5" cy="-4" r="4"/>`, "failed")
			break
		}
	}
}

// stripes are behind every other row.
func (p *plot) stripes() {
	p.put(`<rect class="panel" x="%.0f" y="%.0f" width="%.1f" height="%.0f"/>`, left, headTop, width-left-right, cpuHeight)
	for i := range p.rows {
		if i%2 == 0 {
			p.put(`<rect class="row" x="0" y="%.1f" width="%.0f" height="%.0f"/>`, p.y(i)-rowHeight/2, width, rowHeight)
		}
	}
}

// grid is the time axis: its labels are below the rows.
func (p *plot) grid() {
	step := tickStep(p.until)
	bottom := p.top + float64(len(p.rows))*rowHeight
	for at := Offset(0); at <= p.until; at += step {
		x := p.x(at)
		p.put(`<path class="grid" d="M%.1f %.0fV%.0fM%.1f %.0fV%.0f"/>`, x, headTop, headTop+cpuHeight, x, p.top, bottom+4)
		p.put(`<text class="tick" x="%.1f" y="%.0f" text-anchor="middle">%g s</text>`, x, bottom+18, at.Seconds())
	}
}

// tickStep is a round time of which about a dozen make the whole.
func tickStep(whole Offset) Offset {
	for unit := Offset(time.Millisecond); ; unit *= 10 {
		for _, n := range []Offset{1, 2, 5} {
			if whole/(unit*n) <= 14 {
				return unit * n
			}
		}
	}
}

// milestones are lines through everything, with their names between CPU and
// units; a name that would touch its neighbour goes to a second line.
func (p *plot) milestones() {
	var reached []Point
	for _, m := range p.Times().Milestones {
		if m.At <= p.until {
			reached = append(reached, m)
		}
	}
	bottom := p.top + float64(len(p.rows))*rowHeight
	for _, m := range reached {
		class := "mile"
		if m.Name == Goal {
			class = "reach"
		}
		p.put(`<path class="%s" d="M%.1f %.0fV%.1f"/>`, class, p.x(m.At), headTop, bottom)
	}
	var ends [2]float64 // of what is on the two lines
	for _, m := range reached {
		x, class := p.x(m.At), "tick"
		if m.Name == Goal {
			class = "goal"
		}
		label := m.Name + " " + m.At.String()
		w := 6.3 * float64(len(label))
		row := 0
		if x-w/2 < ends[0]+6 && ends[1] < ends[0] {
			row = 1
		}
		ends[row] = x + w/2
		y := headTop + cpuHeight + 12.5 + float64(row)*13
		p.put(`<rect class="back" x="%.1f" y="%.1f" width="%.1f" height="13" opacity=".9"/>`, x-w/2, y-10.5, w)
		p.put(`<text class="%s" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, class, x, y, escape(label))
	}
}

// links lead from each unit of the chain to the next.
func (p *plot) links() {
	for i := 1; i < len(p.chain); i++ {
		a, b := p.row(p.chain[i-1].Name), p.row(p.chain[i].Name)
		if a < 0 || b < 0 || p.chain[i-1].Ready == 0 {
			continue
		}
		from := p.x(p.chain[i-1].Ready)
		p.put(`<path class="link" d="M%.1f %.1fV%.1fH%.1f"/>`, from, p.y(a), p.y(b), p.x(p.chain[i].Begun))
	}
}

func (p *plot) row(name string) int {
	return slices.IndexFunc(p.rows, func(u Unit) bool { return u.Name == name })
}

func (p *plot) inChain(name string) bool {
	return slices.ContainsFunc(p.chain, func(l Link) bool { return l.Name == name })
}

// unit is one row: the name, the bar, how long it took.
func (p *plot) unit(row int, u Unit) {
	y, from := p.y(row), p.x(u.Begun)
	took := p.Took(u)
	to := p.x(u.Begun + took)
	top := y - barHeight/2
	name, bar := "name", ""
	if p.inChain(u.Name) {
		name, bar = "name chain", " crit"
	}
	p.put(`<g><title>%s</title>`, escape(p.tip(u)))
	p.put(`<text class="%s" x="%.0f" y="%.1f" text-anchor="end">%s</text>`, name, left-10, y+4, escape(u.Name))
	switch u.Kind {
	case supervisor.KindMilestone:
		p.put(`<rect class="observe%s" x="%.1f" y="%.1f" width="%.1f" height="5" rx="2"/>`, bar, from, y-2.5, max(1, to-from))
		if u.Ready != 0 {
			p.put(`<path class="diamond" d="M%.1f %.1fl5.5 5.5-5.5 5.5-5.5-5.5z"/>`, to, y-5.5)
		}
	case supervisor.KindService:
		class := serviceClass(slices.IndexFunc(p.services(), func(s Unit) bool { return s.Name == u.Name }))
		if u.Ready != 0 {
			p.put(`<rect class="%s up" x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="2"/>`, class, to, top, max(0, p.x(p.until)-to), barHeight)
		}
		p.put(`<rect class="%s%s" x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="2"/>`, class, bar, from, top, max(1.5, to-from), barHeight)
	default:
		p.put(`<rect class="init%s" x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="2"/>`, bar, from, top, max(1.5, to-from), barHeight)
	}
	for _, e := range p.Events {
		if e.Unit == u.Name && failure(e) {
			p.put(`<circle class="fail" cx="%.1f" cy="%.1f" r="4"/>`, p.x(e.At), y)
		}
	}
	p.put(`<text class="took" x="%.1f" y="%.1f">%s</text></g>`, to+8, y+3.5, short(took))
}

// tip is what a pointer held over the unit shows.
func (p *plot) tip(u Unit) string {
	lines := []string{fmt.Sprintf("%s (%s): %s", u.Name, u.Kind, u.Summary), "began at " + u.Begun.String()}
	if u.Ready != 0 {
		lines[1] += ", ready at " + u.Ready.String()
	}
	if len(u.Needs) > 0 {
		lines = append(lines, "needs "+strings.Join(u.Needs, ", "))
	}
	if u.Kind == supervisor.KindService {
		lines = append(lines, fmt.Sprintf("%.2f CPU-seconds by the end of the boot", p.used(ofService(u.Name), 0, p.end())))
	}
	for _, reason := range p.Failures(u.Name) {
		lines = append(lines, "failed: "+reason)
	}
	return strings.Join(lines, "\n")
}

// short is a duration with three digits or so.
func short(o Offset) string {
	switch d := time.Duration(o); {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", math.Round(d.Seconds()*1000))
	default:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes all
	return b.String()
}
